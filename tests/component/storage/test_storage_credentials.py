import psycopg
import pytest

from services.domain.errors import Refused
from services.storage import credentials
from services.storage.credentials import Secret

pytestmark = pytest.mark.component

KEY, OTHER = b"k" * 32, b"o" * 32
PASSWORD = b"correct h\xc3\xb6rse\x00"


@pytest.fixture
def settings(as_role):
    return as_role("settings")


def test_a_secret_comes_back_to_the_fetcher(settings, as_role):
    credentials.store(settings, KEY, "mailbox/ada@example.org", PASSWORD)

    assert PASSWORD == credentials.load(as_role("fetcher"), KEY, "mailbox/ada@example.org").reveal()


def test_the_last_one_stored_counts(settings):
    credentials.store(settings, KEY, "a", b"old")
    credentials.store(settings, KEY, "a", b"new")

    assert b"new" == credentials.load(settings, KEY, "a").reveal()


def test_a_wrong_key_is_refused(settings):
    credentials.store(settings, KEY, "a", PASSWORD)

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
    credentials.store(settings, KEY, "a", PASSWORD)
    settings.execute(change)

    with pytest.raises(Refused):
        credentials.load(settings, KEY, "b")


def test_equal_secrets_do_not_look_equal_and_are_not_in_the_clear(url, settings):
    credentials.store(settings, KEY, "a", PASSWORD)
    credentials.store(settings, KEY, "b", PASSWORD)

    with psycopg.connect(url) as admin:
        rows = admin.execute("SELECT nonce, ciphertext FROM settings.credential").fetchall()
    assert 2 == len({nonce for nonce, _ in rows})
    assert 2 == len({ciphertext for _, ciphertext in rows})
    assert not any(b"correct" in ciphertext for _, ciphertext in rows)


def test_no_text_of_a_secret_shows_it():
    secret = Secret(PASSWORD)

    for text in (repr(secret), str(secret), f"{secret}", "%s %r" % (secret, [secret])):  # noqa: UP031
        assert "correct" not in text
