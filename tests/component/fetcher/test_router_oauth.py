"""A router that logs in with OAuth: a real authorisation server, a real Dovecot, and files that outlive it."""

import json
import logging
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.domain.errors import Refused
from services.fetcher.tokens import Tokens
from services.router.mailboxes import MailboxTable
from services.router.secret_files import FileConsent
from tests.component.fetcher.authorisation import CLIENT, CLIENT_SECRET, FIRST_REFRESH, AuthorisationServer
from tests.component.fetcher.checking import signals
from tests.component.fetcher.oauth_dovecot import running
from tests.component.fetcher.routed import checking, mailbox_at, serving, settings, token_of

pytestmark = pytest.mark.component


@pytest.fixture
def issuer(outside):
    with closing(AuthorisationServer(outside.mailbox)) as server:
        yield server


@pytest.fixture
def file(issuer, tmp_path):
    found = tmp_path / "ada.oauth.json"
    write(found, issuer)
    return found


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state" / "tokens"


def write(file, issuer, **changes):
    given = {
        "tokenEndpoint": issuer.token_endpoint, "clientId": CLIENT, "clientSecret": CLIENT_SECRET, "scope": "mail",
        "refreshToken": FIRST_REFRESH, **changes,
    }  # fmt: skip
    file.write_text(json.dumps(given))


def tokens(file, folder):
    return Tokens(FileConsent(file, folder), lambda: datetime.now(UTC), None)


@pytest.fixture
def check(outside, issuer, file, folder, tmp_path):
    """Check the mailbox as a router that has just been started does, by one mechanism or whichever is there."""
    with (
        running(tmp_path / "mail", f"http://127.0.0.1:{issuer.port}/introspect") as server,
        serving(outside.ports, settings(outside.mailbox)) as endpoint,
    ):
        checker = replace(checking(endpoint, token_of(outside), tmp_path), ca_file=server.ca_file)
        plain = mailbox_at(outside.mailbox, server, tmp_path)
        table = {**plain.table.model_dump(), "password_file": None, "oauth_file": str(file)}

        def checked(auth="auto"):
            profile = plain.profile.model_copy(update={"tls": server.tls, "auth": auth})
            box = replace(
                plain, table=MailboxTable.model_validate(table), profile=profile, secret_file=file, tokens=folder
            )
            return checker.check(box, lambda: True)

        yield checked


def test_a_real_server_lets_a_routers_token_in_and_a_refused_one_is_renewed(check, issuer):
    """By both mechanisms; a router that is started again uses the token at hand."""
    assert ["", "", ""] == [check(auth).code for auth in ("xoauth2", "oauthbearer", "auto")]
    assert 1 == len(issuer.asked)

    issuer.revoke()
    assert ["", ""] == [check().code for _ in range(2)]
    assert [FIRST_REFRESH, "refresh-s3cret-1"] == [form["refresh_token"] for form in issuer.asked]


def test_a_withdrawn_consent_is_an_alert_and_a_new_one_in_the_file_acts_at_once(check, outside, issuer, file, caplog):
    caplog.set_level(logging.DEBUG)
    issuer.refresh = None
    ended = check()
    assert "consent_withdrawn" == ended.code
    assert "the router's file" in ended.words

    issuer.refresh = "refresh-s3cret-new"
    write(file, issuer, refreshToken="refresh-s3cret-new")
    assert "" == check().code
    assert [("consent_withdrawn", "raised"), ("consent_withdrawn", "cleared")] == signals(outside)
    assert "s3cret" not in caplog.text + ended.words


def test_a_refresh_token_that_rotates_is_kept_beside_the_file_and_readable_by_nobody_else(issuer, file, folder):
    issuer.life = 10
    before = file.read_text()
    assert 3 == len({tokens(file, folder).current() for _ in range(3)})

    assert [FIRST_REFRESH, "refresh-s3cret-1", "refresh-s3cret-2"] == [f["refresh_token"] for f in issuer.asked]
    assert before == file.read_text()
    assert {0o600} == {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert 0o700 == folder.stat().st_mode & 0o777


def test_a_new_credential_in_the_file_forgets_the_tokens_of_the_one_before(issuer, file, folder):
    first = tokens(file, folder).current()
    issuer.refresh = "refresh-s3cret-new"
    write(file, issuer, refreshToken="refresh-s3cret-new")

    assert first != tokens(file, folder).current()
    assert "refresh-s3cret-new" == issuer.asked[-1]["refresh_token"]


def test_several_that_need_a_token_at_once_make_one_request(issuer, file, folder):
    """As many mailboxes of one credential do, and ``router check`` beside a router that runs."""
    issuer.delay = 0.3
    found = []
    threads = [threading.Thread(target=lambda: found.append(tokens(file, folder).current())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (1, 4, 1) == (len(issuer.asked), len(found), len(set(found)))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "\udcff"])
def test_kept_tokens_that_are_damaged_are_named_and_not_used(file, folder, content):
    tokens(file, folder).current()
    (kept,) = folder.glob("*.json")
    kept.write_text(content, errors="surrogateescape")

    with pytest.raises(Refused, match="is damaged: remove it"):
        tokens(file, folder).current()


def test_where_tokens_cannot_be_kept_none_is_asked_for(issuer, file, folder):
    """What a server has given for a refresh token that is good once would be lost."""
    folder.parent.mkdir()
    folder.write_text("")
    with pytest.raises(Refused, match="cannot be kept"):
        tokens(file, folder).current()
    assert [] == issuer.asked


def test_a_file_that_holds_no_credential_says_what_is_wrong_and_no_secret(file, folder, issuer):
    write(file, issuer, refreshToken=None, other="s3cret")
    with pytest.raises(Refused) as refused:
        tokens(file, folder).current()

    assert "refreshToken is missing" in str(refused.value)
    assert "unknown field 'other'" in str(refused.value)
    assert "s3cret" not in str(refused.value)
