"""Credentials through the command line: stored, replaced, listed and removed, and never shown."""

import json

import pytest

from services.storage import credentials, postgres
from services.storage.sealing import Secret

pytestmark = pytest.mark.component

CONSENT = {
    "tokenEndpoint": "https://login.example.org/token", "clientId": "mailweave", "clientSecret": "client-s3cret",
    "scope": "mail", "refreshToken": "refresh-s3cret",
}  # fmt: skip


def held(desk, name):
    with postgres.connect(desk.config.postgres, "fetcher") as connection:
        return credentials.load(connection, desk.config.cipher_key, name)


def add(desk, address, *how):
    return desk.run("mailbox", "add", address, "--imap", "127.0.0.1:1", "--user", "a", *how)


def test_an_oauth_credential_is_stored_named_by_a_mailbox_and_replaced_without_touching_it(desk, tmp_path):
    path = tmp_path / "consent.json"
    path.write_text(json.dumps(CONSENT))
    stored = desk.run("credential", "set", "ada", "--oauth-file", str(path))

    assert (0, "The credential ada is stored; it is used by no mailbox yet.\n") == (stored.exit_code, stored.stdout)
    assert b"refresh-s3cret" == held(desk, "ada").refresh_token.reveal()
    assert 0 == add(desk, "a@x.org", "--credential", "ada", "--no-check").exit_code
    (before,) = desk.json("mailbox", "list")
    version = desk.owner.execute("SELECT max(version) FROM settings.history").fetchone()

    replaced = desk.run(
        "credential", "set", "ada", "--oauth-file", "-", stdin=json.dumps({**CONSENT, "refreshToken": "n"})
    )

    assert "The credential ada is replaced; it is used by a@x.org.\n" == replaced.stdout
    assert b"n" == held(desk, "ada").refresh_token.reveal()
    assert [before] == desk.json("mailbox", "list")
    assert version == desk.owner.execute("SELECT max(version) FROM settings.history").fetchone()


def test_a_list_shows_no_secret(desk):
    desk.run("credential", "set", "b", "--oauth-file", "-", stdin=json.dumps(CONSENT))
    desk.run("credential", "set", "a", "--password-file", "-", stdin="pass-s3cret\n")
    add(desk, "a@x.org", "--credential", "a", "--no-check")

    shown, told = desk.json("credential", "list"), desk.run("credential", "list")

    assert [("a", "password", ["a@x.org"]), ("b", "oauth", [])] == [
        (one["name"], one["kind"], one["mailboxes"]) for one in shown
    ]
    assert ["name", "kind", "changed", "mailboxes"] == told.stdout.split()[:4]
    assert "s3cret" not in f"{shown} {told.stdout} {told.stderr}"
    assert Secret(b"pass-s3cret") == held(desk, "a")


def test_a_credential_that_a_mailbox_names_is_not_removed(desk):
    desk.run("credential", "set", "a", "--password-file", "-", stdin="secret\n")
    add(desk, "a@x.org", "--credential", "a", "--no-check")

    refused = desk.run("credential", "remove", "a")

    assert (2, "") == (refused.exit_code, refused.stdout)
    assert "is used by a@x.org" in refused.stderr
    desk.run("mailbox", "remove", "a@x.org")
    assert 0 == desk.run("credential", "remove", "a").exit_code
    gone = desk.run("credential", "remove", "a")
    assert 2 == gone.exit_code
    assert "there is no credential 'a'" in gone.stderr


def test_a_mailbox_with_a_credential_that_is_not_there_is_refused(desk):
    refused = add(desk, "a@x.org", "--credential", "nobody", "--no-check")

    assert 2 == refused.exit_code
    assert "no credential is stored under the name 'nobody'" in refused.stderr
    assert [] == desk.json("mailbox", "list")


def test_a_mailbox_whose_tokens_cannot_be_had_is_refused_in_plain_words(desk):
    desk.run(
        "credential",
        "set",
        "a",
        "--oauth-file",
        "-",
        stdin=json.dumps({**CONSENT, "tokenEndpoint": "http://127.0.0.1:1/"}),
    )

    refused = add(desk, "a@x.org", "--credential", "a")

    assert 2 == refused.exit_code
    assert "the mailbox was not added: 127.0.0.1 gives no access token: it cannot be reached" in refused.stderr
    assert "s3cret" not in refused.stderr
