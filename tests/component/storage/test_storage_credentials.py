from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from services.domain.errors import Refused
from services.storage import credentials
from services.storage.credentials import AccessToken, NoCredential, OAuth
from services.storage.sealing import Secret

pytestmark = pytest.mark.component

KEY, OTHER = b"k" * 32, b"o" * 32
PASSWORD = b"correct h\xc3\xb6rse\x00"


@pytest.fixture
def settings(as_role):
    return as_role("settings")


def test_a_secret_comes_back_to_the_fetcher(settings, as_role):
    credentials.store(settings, KEY, "mailbox/ada@example.org", Secret(PASSWORD))

    assert Secret(PASSWORD) == credentials.load(as_role("fetcher"), KEY, "mailbox/ada@example.org")


def test_the_last_one_stored_counts(settings):
    credentials.store(settings, KEY, "a", Secret(b"old"))
    credentials.store(settings, KEY, "a", Secret(b"new"))

    assert Secret(b"new") == credentials.load(settings, KEY, "a")


def test_a_wrong_key_is_refused(settings):
    credentials.store(settings, KEY, "a", Secret(PASSWORD))

    with pytest.raises(Refused, match="MAILWEAVE_SECRET_KEY"):
        credentials.load(settings, OTHER, "a")


def test_a_name_that_is_not_there_is_refused(settings):
    with pytest.raises(Refused, match="no credential is stored under the name 'a'"):
        credentials.load(settings, KEY, "a")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE settings.credential SET name = 'b' WHERE name = 'a'",
        "UPDATE settings.credential SET name = 'b', ciphertext = substr(ciphertext, 2)",
        "UPDATE settings.credential SET name = 'b', nonce = set_byte(nonce, 0, 255 - get_byte(nonce, 0))",
        "UPDATE settings.credential SET name = 'b', ciphertext = ''",
    ],
    ids=["moved-to-another-name", "cut", "other-nonce", "empty"],
)
def test_a_row_that_somebody_changed_is_refused(settings, change):
    credentials.store(settings, KEY, "a", Secret(PASSWORD))
    settings.execute(change)

    with pytest.raises(Refused):
        credentials.load(settings, KEY, "b")


def test_equal_secrets_do_not_look_equal_and_are_not_in_the_clear(url, settings):
    credentials.store(settings, KEY, "a", Secret(PASSWORD))
    credentials.store(settings, KEY, "b", Secret(PASSWORD))

    with psycopg.connect(url) as admin:
        rows = admin.execute("SELECT nonce, ciphertext FROM settings.credential").fetchall()
    assert 2 == len({nonce for nonce, _ in rows})
    assert 2 == len({ciphertext for _, ciphertext in rows})
    assert not any(b"correct" in ciphertext for _, ciphertext in rows)


def test_no_text_of_a_secret_shows_it():
    secret = Secret(PASSWORD)

    for text in (repr(secret), str(secret), f"{secret}", "%s %r" % (secret, [secret])):  # noqa: UP031
        assert "correct" not in text


CONSENT = OAuth(
    token_endpoint="https://login.example.org/token",
    client_id="mailweave",
    client_secret=Secret(b"client"),
    scope="mail",
    refresh_token=Secret(b"first"),
)
ACCESS = AccessToken(token=Secret(b"access"), expires=datetime(2026, 11, 28, 12, tzinfo=UTC))


@pytest.mark.parametrize("consent", [CONSENT, replace(CONSENT, client_secret=None, scope="")], ids=["full", "public"])
def test_an_oauth_credential_comes_back(settings, as_role, consent):
    credentials.store(settings, KEY, "a", consent)

    assert consent == credentials.load(as_role("fetcher"), KEY, "a")


@pytest.mark.parametrize("role", ["fetcher", "sender"])
def test_those_who_log_in_keep_tokens_under_a_lock_and_write_nothing_else(settings, as_role, role):
    credentials.store(settings, KEY, "a", CONSENT)
    connection = as_role(role)

    with connection.transaction():
        assert CONSENT == credentials.load(connection, KEY, "a", lock=True)
        credentials.keep_tokens(connection, KEY, "a", ACCESS, Secret(b"second"))

    assert replace(CONSENT, refresh_token=Secret(b"second"), access=ACCESS) == credentials.load(settings, KEY, "a")
    for column in ("name", "kind", "nonce", "ciphertext", "changed"):
        with pytest.raises(InsufficientPrivilege):
            connection.execute(f"UPDATE settings.credential SET {column} = {column}")
    with pytest.raises(InsufficientPrivilege):
        connection.execute("INSERT INTO settings.credential (name, nonce, ciphertext) VALUES ('b', '', '')")


@pytest.mark.parametrize("credential", [CONSENT, Secret(b"password")], ids=["oauth", "password"])
def test_a_new_credential_forgets_the_tokens_of_the_one_before(settings, credential):
    assert not credentials.store(settings, KEY, "a", CONSENT)
    credentials.keep_tokens(settings, KEY, "a", ACCESS, Secret(b"second"))

    assert credentials.store(settings, KEY, "a", credential)
    assert credential == credentials.load(settings, KEY, "a")


def test_tokens_cannot_be_moved_into_the_place_of_the_credential(settings):
    credentials.store(settings, KEY, "a", CONSENT)
    credentials.keep_tokens(settings, KEY, "a", ACCESS, Secret(b"second"))
    settings.execute("UPDATE settings.credential SET nonce = token_nonce, ciphertext = token_ciphertext")

    with pytest.raises(NoCredential):
        credentials.load(settings, KEY, "a")


def test_a_list_names_kinds_and_nothing_secret(settings):
    credentials.store(settings, KEY, "b", CONSENT)
    credentials.store(settings, KEY, "a", Secret(PASSWORD))
    credentials.keep_tokens(settings, KEY, "b", ACCESS, Secret(b"second"))

    found = credentials.listed(settings)

    assert [("a", "password", None), ("b", "oauth", ACCESS.expires)] == [
        (one.name, one.kind, one.token_expires) for one in found
    ]
    assert credentials.remove(settings, "a")
    assert not credentials.remove(settings, "a")
