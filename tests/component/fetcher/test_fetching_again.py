"""A raw mail that is gone is fetched again from where it lies, on a real Dovecot; whatever comes of it is answered."""

import imaplib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.contracts import decode, encode
from services.fetcher import fetching_again
from services.fetcher.fetching_again import FetchingAgain
from services.fetcher.mechanisms import Password
from services.storage.credentials import NoCredential
from tests.component.fetcher.living import Living
from tests.component.fetcher.test_commands import carry_out
from tests.component.fetcher.test_dovecot import MAIL, append

pytestmark = pytest.mark.component

LARGE = MAIL % (7, 7) + b"0123456789abcdef\r\n" * 300_000
INNER = b"From: kim@customer.example\r\nTo: anna@own.example\r\nMessage-ID: <in@x>\r\n\r\nHello\r\n"
FORWARDED = (
    b"From: anna@own.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n--b--\r\n"
)


class Again:
    """A mailbox that was read, whose raw mails are gone, and what fetches them again."""

    def __init__(self, outside, server) -> None:
        self.outside, self.living = outside, Living(outside, server)
        with outside.ports.database.transaction() as connection:
            connection.execute("DELETE FROM fetcher.content_request")
            connection.execute("DELETE FROM fetcher.outbox WHERE topic = 'commands'")
        self.fetching = FetchingAgain(
            settings=lambda: self.living.snapshot, ports=lambda: self.ports,
            credential=lambda _ports, _name: Password(self.living.password or ""),
        )  # fmt: skip

    @property
    def ports(self):
        ports = self.outside.ports
        return type(ports)(
            database=ports.database, blobs=ports.blobs, send=ports.send, now=lambda: self.living.now,
            collects=lambda _: self.collects,
        )  # fmt: skip

    collects = False

    def read(self) -> tuple[str, str]:
        """Check the mailbox, and lose what was read; return delivery and hash of the last mail."""
        self.living.check()
        for (sha256,) in self.outside.rows(
            "SELECT encode(unnest(ARRAY[blob_sha256, wrapper_sha256]), 'hex') FROM fetcher.delivery"
            " WHERE mailbox = %(mailbox)s"
        ):
            if sha256:
                self.outside.ports.blobs.path(sha256).unlink(missing_ok=True)
        ((delivery, sha256),) = self.outside.rows(
            "SELECT id::text, encode(blob_sha256, 'hex') FROM fetcher.delivery WHERE mailbox = %(mailbox)s"
            " ORDER BY uid DESC LIMIT 1"
        )
        return delivery, sha256

    def ask(self, delivery: str) -> None:
        value = {
            "id": str(uuid4()), "kind": fetching_again.FETCH, "object": f"delivery/{delivery}", "author": "resolver",
            "reason": "r", "time": datetime.now(UTC), "target": "", "onto": "", "address": "", "record": "",
            "only_this": False,
        }  # fmt: skip
        assert [] == carry_out(self.living, encode("Command", value))

    def answers(self) -> list[tuple[str, str, str]]:
        rows = self.outside.rows("SELECT value FROM fetcher.outbox WHERE topic = 'commands' ORDER BY id")
        found = [decode(bytes(value))[1] for (value,) in rows]
        return [(one["kind"], one["object"].removeprefix("delivery/"), one["reason"]) for one in found]

    def change(self, what: str) -> None:
        with self.outside.ports.database.transaction() as connection:
            connection.execute(f"UPDATE fetcher.delivery SET {what} WHERE mailbox = %s", (self.outside.mailbox,))


@pytest.fixture
def client(dovecot, outside):
    with imaplib.IMAP4(dovecot.host, dovecot.port) as found:
        found.login(outside.mailbox, "secret")
        yield found


@pytest.fixture
def again(outside, dovecot):
    return Again(outside, dovecot)


@pytest.mark.parametrize("mail", [MAIL % (1, 1), LARGE], ids=["small", "large"])
def test_a_mail_that_still_lies_there_is_stored_again_and_nothing_on_the_server_changes(
    again: Again,
    client,
    mail,
):
    append(client, MAIL % (9, 9), mail)
    delivery, sha256 = again.read()
    again.ask(delivery)
    assert again.fetching.step()
    assert not again.fetching.step()

    assert [("content-stored", delivery, "")] == again.answers()
    assert again.outside.ports.blobs.verify(sha256)
    client.select("INBOX", readonly=True)
    assert b"\\Seen" not in client.fetch("2", "(FLAGS)")[1][0]


def test_what_was_forwarded_in_a_mail_is_stored_again_with_it(again: Again, client):
    """Both are read to decide it again."""
    append(client, FORWARDED)
    again.read()
    outer, inner = (again.outside.ports.blobs.put_many([one])[0] for one in (FORWARDED, INNER))
    again.change(f"blob_sha256 = '\\x{inner}', wrapper_sha256 = '\\x{outer}'")
    delivery, _ = again.read()
    again.ask(delivery)
    again.fetching.step()

    assert [("content-stored", delivery, "")] == again.answers()
    assert (True, True) == tuple(again.outside.ports.blobs.verify(one) for one in (outer, inner))


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("uidvalidity = uidvalidity + 1", fetching_again.NUMBERED_ANEW),
        ("uid = uid + 7", fetching_again.MOVED),
        ("blob_sha256 = decode(repeat('ab', 32), 'hex')", fetching_again.ANOTHER),
        ("folder = 'Nowhere'", fetching_again.NO_FOLDER),
        ("uid = NULL", fetching_again.NO_PLACE),
    ],
)
@pytest.mark.parametrize("mail", [MAIL % (1, 1), LARGE], ids=["small", "large"])
def test_another_place_or_another_mail_is_never_taken_for_it(again: Again, client, mail, what, why):
    append(client, mail)
    delivery, _ = again.read()
    again.change(what)
    again.ask(delivery)
    again.fetching.step()

    assert [("content-gone", delivery, why)] == again.answers()
    assert [] == list(again.outside.ports.blobs.all())


def test_a_mail_that_was_deleted_a_mailbox_that_is_not_read_and_an_unknown_one_are_answered(
    again: Again,
    client,
):
    append(client, MAIL % (1, 1))
    delivery, _ = again.read()
    client.select("INBOX")
    client.store("1", "+FLAGS", "\\Deleted")
    client.expunge()
    unknown = str(uuid4())
    for one in (delivery, unknown):
        again.ask(one)
        again.fetching.step()
    again.living.change(incoming="none")
    again.ask(delivery)
    again.fetching.step()

    told = [why for *_, why in again.answers()]
    assert [fetching_again.MOVED, fetching_again.UNKNOWN, fetching_again.NOT_READ] == told


def test_a_server_that_is_away_is_tried_a_few_times_and_then_that_is_the_answer(again: Again, client):
    append(client, MAIL % (1, 1))
    delivery, _ = again.read()
    again.living.profile = again.living.profile.model_copy(update={"port": 1})
    again.ask(delivery)
    for _ in range(fetching_again.TRIES):
        assert [] == again.answers()
        again.living.now += timedelta(minutes=5)
        assert again.fetching.step()

    ((kind, _, why),) = again.answers()
    assert ("content-gone", True) == (kind, why.startswith("its server cannot be read"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(NoCredential("none is stored"), "its server cannot be read (no_credential)", id="no credential"),
        pytest.param(KeyError("x"), fetching_again.BROKE, id="a fault of our own"),
    ],
)
def test_one_that_cannot_be_fetched_holds_up_nothing_else(again: Again, client, error, said):
    append(client, MAIL % (1, 1))
    delivery, _ = again.read()
    good = again.fetching.credential
    again.ask(delivery)

    def broken(*_: object) -> Password:
        raise error

    again.fetching.credential = broken
    for _ in range(fetching_again.TRIES):
        assert [] == again.answers()
        again.living.now += timedelta(minutes=5)
        assert again.fetching.step()
    again.fetching.credential = good
    again.ask(delivery)
    assert again.fetching.step()

    assert [("content-gone", delivery, said), ("content-stored", delivery, "")] == again.answers()


def test_who_is_killed_over_one_leaves_it_to_another(again: Again, client, monkeypatch):
    append(client, MAIL % (1, 1))
    delivery, sha256 = again.read()
    again.ask(delivery)
    with monkeypatch.context() as killed:
        killed.setattr(fetching_again, "again", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            again.fetching.step()
    assert not again.fetching.step()
    again.living.now += timedelta(minutes=fetching_again.CLAIM_MINUTES, seconds=1)
    assert again.fetching.step()

    assert [("content-stored", delivery, "")] == again.answers()
    assert again.outside.ports.blobs.exists(sha256)
