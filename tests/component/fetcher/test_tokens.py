"""OAuth credentials against a real authorisation server, a real store and a real Dovecot."""

import logging
import socket
import threading
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from services.domain.alert_codes import kind_of
from services.fetcher import failures
from services.fetcher.imap import session
from services.fetcher.tokens import Tokens, credential_named
from services.storage import credentials
from services.storage.credentials import OAuth
from services.storage.postgres import Database
from services.storage.sealing import Secret
from tests.component.fetcher import certificates
from tests.component.fetcher.authorisation import CLIENT, CLIENT_SECRET, FIRST_REFRESH, AuthorisationServer
from tests.component.fetcher.checking import checker, signals
from tests.component.fetcher.oauth_dovecot import running

pytestmark = pytest.mark.component

KEY = b"k" * 32


@dataclass
class Desk:
    """A mailbox whose credential is an OAuth one, and who may look at it."""

    outside: Any
    url: str
    name: str
    issuer: AuthorisationServer

    def store(self, **changes):
        given = OAuth(
            token_endpoint=self.issuer.token_endpoint,
            client_id=CLIENT,
            client_secret=Secret(CLIENT_SECRET.encode()),
            scope="mail",
            refresh_token=Secret(FIRST_REFRESH.encode()),
        )
        with closing(Database(self.url, "settings")) as database, database.transaction() as connection:
            credentials.store(connection, KEY, self.name, replace(given, **changes))

    def held(self):
        with closing(Database(self.url, "settings")) as database, database.transaction() as connection:
            return credentials.load(connection, KEY, self.name)

    def credential(self, database=None, now=lambda: datetime.now(UTC), ca_file=None):
        return credential_named(database or self.outside.ports.database, KEY, self.name, now=now, ca_file=ca_file)


@pytest.fixture
def issuer(outside):
    with closing(AuthorisationServer(outside.mailbox)) as server:
        yield server


@pytest.fixture
def desk(outside, issuer):
    found = Desk(outside, outside.url, f"test/{outside.mailbox}", issuer)
    found.store()
    yield found
    with psycopg.connect(outside.url) as connection:
        connection.execute("DELETE FROM settings.credential WHERE name = %s", (found.name,))


@pytest.fixture
def oauth_dovecot(stack, issuer, tmp_path):
    with running(tmp_path / "mail", f"http://127.0.0.1:{issuer.port}/introspect") as server:
        yield server


def enter(server, desk, **how):
    with session(replace(server, **how), desk.outside.mailbox, desk.credential()) as connection:
        return [folder.name for folder in connection.folders()]


def test_a_real_server_lets_a_token_in_and_a_refused_one_is_renewed(oauth_dovecot, desk, issuer):
    """By both mechanisms; the token is asked for once, used again, and replaced when the server no longer takes it."""
    assert "INBOX" in enter(oauth_dovecot, desk, auth="xoauth2")
    assert "INBOX" in enter(oauth_dovecot, desk, auth="oauthbearer")
    assert "INBOX" in enter(oauth_dovecot, desk)
    assert 1 == len(issuer.asked)

    issuer.revoke()
    assert "INBOX" in enter(oauth_dovecot, desk)
    assert "INBOX" in enter(oauth_dovecot, desk)
    assert 2 == len(issuer.asked)

    issuer.user = "somebody.else@example.org"
    issuer.revoke()
    with pytest.raises(failures.LoginRefused, match="refuses the access token"):
        enter(oauth_dovecot, desk)
    assert 3 == len(issuer.asked)

    issuer.user = desk.outside.mailbox
    for name in ("xoauth2", "oauthbearer"):
        issuer.revoke()
        assert "INBOX" in enter(oauth_dovecot, desk, auth=name)


def test_a_withdrawn_consent_is_an_alert_in_plain_words_and_a_new_one_acts_at_the_next_check(
    oauth_dovecot, desk, issuer, caplog
):
    """Nothing restarts; and what is secret stands in no log, no row and no signal."""
    caplog.set_level(logging.DEBUG)
    issuer.refresh = None
    check = checker(desk.outside, oauth_dovecot, desk.credential).check

    ended = check(desk.outside.mailbox, lambda: True)

    assert ("consent_withdrawn", False) == (ended.code, ended.world)
    ((error,),) = desk.outside.rows("SELECT last_error FROM fetcher.mailbox WHERE mailbox = %(mailbox)s")
    assert "the consent was withdrawn or has expired" in error
    assert [("consent_withdrawn", "raised")] == signals(desk.outside)
    assert (1, "error") == (kind_of(ended.code).shown_after, kind_of(ended.code).level)
    assert "s3cret" not in f"{caplog.text} {error} {outbox(desk)}"

    issuer.refresh = "refresh-s3cret-new"
    desk.store(refresh_token=Secret(b"refresh-s3cret-new"))

    assert "" == check(desk.outside.mailbox, lambda: True).code
    assert ("consent_withdrawn", "cleared") == signals(desk.outside)[-1]
    assert "s3cret" not in caplog.text


def outbox(desk):
    with psycopg.connect(desk.url, options="-c role=mailweave_fetcher") as connection:
        return connection.execute("SELECT value FROM fetcher.outbox WHERE topic = 'alert-signals'").fetchall()


def test_a_token_that_ends_within_five_minutes_is_renewed(desk, issuer):
    issuer.life = 1800
    first = desk.credential().current()
    now = datetime.now(UTC)

    assert first == desk.credential(now=lambda: now + timedelta(minutes=24)).current()
    assert first != desk.credential(now=lambda: now + timedelta(minutes=26)).current()
    assert 2 == len(issuer.asked)


@pytest.mark.parametrize("rotates", [True, False])
def test_the_refresh_token_that_counts_is_kept(desk, issuer, rotates):
    """A server that gives a new one with each token takes the old one no more."""
    issuer.rotates, issuer.life = rotates, 10

    tokens = [desk.credential().current() for _ in range(3)]

    assert 3 == len(set(tokens))
    expected = ["refresh-s3cret-1", "refresh-s3cret-2"] if rotates else [FIRST_REFRESH] * 2
    assert [FIRST_REFRESH, *expected] == [form["refresh_token"] for form in issuer.asked]
    assert (issuer.refresh or "").encode() == desk.held().refresh_token.reveal()


def test_two_that_need_a_token_at_once_make_one_request(desk, issuer):
    issuer.delay = 0.3
    found = []

    def get():
        with closing(Database(desk.url, "fetcher")) as database:
            found.append(desk.credential(database).current())

    threads = [threading.Thread(target=get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == len(issuer.asked)
    assert 4 == len(found)
    assert 1 == len(set(found))


def test_two_whose_token_is_refused_make_one_request(desk, issuer):
    one, two = desk.credential(), desk.credential()
    refused = desk.credential().current()

    assert refused == one.current() == two.current()
    assert one.instead_of(refused) == two.instead_of(refused) != refused
    assert 2 == len(issuer.asked)


def test_a_token_that_was_just_given_is_not_replaced_again(desk, issuer):
    fresh = desk.credential()

    assert None is fresh.instead_of(fresh.current())
    assert 1 == len(issuer.asked)


def test_a_replaced_credential_forgets_the_tokens_of_the_one_before(desk, issuer):
    desk.credential().current()
    desk.store(client_id="other")

    assert None is desk.held().access
    assert FIRST_REFRESH.encode() == desk.held().refresh_token.reveal()
    with pytest.raises(failures.ClientRefused, match="client id, client secret or scope") as caught:
        desk.credential().current()
    assert caught.value.permanent
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(b"HTTP/1.1 503 Busy\r\n\r\n<html>", "status 503", id="503"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n<html>", "no JSON", id="HTML"),
        pytest.param(b'HTTP/1.1 200 OK\r\n\r\n{"token_type": "Bearer"}', "without a token", id="no token"),
        pytest.param(b'HTTP/1.1 200 OK\r\n\r\n{"access_token": "a\\u0001b"}', "without a token", id="no such token"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "status 302", id="redirect"),
        pytest.param(b'HTTP/1.1 400 Bad\r\n\r\n{"error": ["invalid_grant"]}', "status 400", id="odd error"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{", "no JSON", id="cut"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000, "HTTP", id="endless"),
        pytest.param(b"SSH-2.0\r\n", "HTTP", id="another protocol"),
        pytest.param(b"", "cannot be reached|HTTP", id="nothing"),
    ],
)
def test_a_token_endpoint_that_answers_badly_is_asked_again_later(desk, issuer, answer, said):
    issuer.answers = answer

    with pytest.raises(failures.TokenEndpointFailed, match=said) as caught:
        desk.credential().current()
    assert not caught.value.permanent

    issuer.answers = None
    assert desk.credential().current()


def test_a_token_endpoint_that_drips_is_given_up(desk, monkeypatch):
    """A time-out that begins anew with each byte would hold the credential's row for ever."""
    monkeypatch.setattr("services.fetcher.token_endpoint.SECONDS", 0.5)
    enough = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip():
            with listening.accept()[0] as sock:
                sock.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not enough.wait(0.1):
                    sock.sendall(b"x")

        threading.Thread(target=drip, daemon=True).start()
        desk.store(token_endpoint=f"http://127.0.0.1:{listening.getsockname()[1]}/token")
        with pytest.raises(failures.TokenEndpointFailed, match="did not answer in time"):
            desk.credential().current()
        enough.set()


@pytest.mark.parametrize(("days", "trusted"), [(5, True), (-1, True), (5, False)], ids=["good", "expired", "unknown"])
def test_a_token_endpoint_must_prove_who_it_is(desk, tmp_path, days, trusted):
    """Client secret and refresh token are not sent before it has."""
    authority, stranger = (certificates.authority(tmp_path / f"{name}.pem") for name in ("authority", "stranger"))
    served = certificates.served(authority, tmp_path / "server.pem", days=days)
    with closing(AuthorisationServer(desk.outside.mailbox, tls=served)) as issuer:
        desk.store(token_endpoint=issuer.token_endpoint)
        credential = desk.credential(ca_file=(authority if trusted else stranger).file)
        if days > 0 and trusted:
            assert credential.current().value.startswith("access-s3cret")
            return
        with pytest.raises(failures.TokenEndpointFailed, match="certificate is not trusted"):
            credential.current()
        assert [] == issuer.asked


def test_nobody_at_the_token_endpoint(desk):
    desk.store(token_endpoint="http://127.0.0.1:1/token")

    with pytest.raises(failures.TokenEndpointFailed, match="cannot be reached"):
        desk.credential().current()


def test_no_repr_shows_a_secret(desk):
    credential = desk.credential()
    assert isinstance(credential, Tokens)
    shown = f"{credential!r} {credential.current()!r} {desk.held()!r}"

    assert "s3cret" not in shown
    assert repr(KEY) not in shown
