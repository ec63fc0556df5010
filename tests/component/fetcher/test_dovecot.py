"""Real mail from a real Dovecot to delivery rows."""

import imaplib
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.domain.errors import Refused, Retry
from services.fetcher import cursor, failures, fetch, folder_reading
from services.fetcher.folders import encode_name, quoted
from services.fetcher.imap import session
from services.fetcher.mechanisms import Password
from services.fetcher.polling import Progress, Task, poll
from services.fetcher.probing import probe
from services.settings.models import ServerProfile

pytestmark = pytest.mark.component

MAIL = b"Message-ID: <%d@example.org>\r\nSubject: mail %d\r\nFrom: a@example.org\r\n\r\nbody\r\n"
DATE = '"01-Jan-2024 10:00:00 +0200"'


@pytest.fixture
def client(dovecot, outside):
    @contextmanager
    def open_one():
        found = imaplib.IMAP4(dovecot.host, dovecot.port)
        found.login(outside.mailbox, "secret")
        yield found
        found.logout()

    with open_one() as found:
        yield found


def append(client, *mails, folder="INBOX"):
    for mail in mails:
        assert client.append(quoted(encode_name(folder)), "", DATE, mail)[0] == "OK"


def check(outside, server, *, folders=("INBOX",), limit=10**8, ports=None, go_on=lambda: True, start=None):
    claimed = cursor.claim(outside.ports.database, outside.mailbox)
    task = Task(
        mailbox=outside.mailbox,
        fence=claimed.fence,
        known=claimed.folders,
        folders=folders,
        limit=limit,
        go_on=go_on,
        start=start,
    )
    with session(server, outside.mailbox, Password("secret")) as connection:
        poll(connection, task, ports or outside.ports, Progress())


def test_each_mail_once_and_only_new_ones(outside, dovecot, client):
    append(client, *(MAIL % (n, n) for n in range(1, 131)))
    check(outside, dovecot)
    check(outside, dovecot)
    append(client, MAIL % (999, 999))
    check(outside, dovecot)

    records = outside.records()
    assert list(range(1, 132)) == [r["uid"] for r in records] == outside.uids()
    assert 131 == outside.cursor()[1]
    first = records[0]
    assert "1@example.org" == first["message_id"]
    assert "2024-01-01T08:00:00+00:00" == first["internal_date"].isoformat()
    assert "inbox" == first["folder_role"]
    assert MAIL % (1, 1) == outside.ports.blobs.path(first["blob_sha256"]).read_bytes()
    assert first["message_id"].encode() == outside.sent[0].key
    assert "2024-01-01T08:00:00+00:00" == outside.sent[0].headers["origin-time"]


def test_mail_from_before_the_start_date_is_passed_over_and_not_lost(outside, dovecot, client):
    for number, day in enumerate((3, 1, 4, 2, 5), 1):
        date = f'"{day:02}-Jan-2024 00:00:00 +0000"'
        assert client.append("INBOX", "", date, MAIL % (number, number))[0] == "OK"

    check(outside, dovecot, start=datetime(2024, 1, 3, tzinfo=UTC))
    check(outside, dovecot, start=datetime(2024, 1, 1, tzinfo=UTC))

    assert [1, 3, 5] == outside.uids()
    assert 5 == outside.cursor()[1]
    passed = "SELECT uid, reason FROM fetcher.passed WHERE mailbox = %(mailbox)s ORDER BY uid"
    assert [(2, "BeforeStartDate"), (4, "BeforeStartDate")] == outside.rows(passed)


def test_reading_changes_no_flag(outside, dovecot, client):
    append(client, MAIL % (1, 1))
    check(outside, dovecot)
    client.select("INBOX", readonly=True)

    assert b"\\Seen" not in client.fetch("1", "(FLAGS)")[1][0]


def test_sent_and_foreign_folder_names(outside, dovecot, client):
    for name in ("Sent", "Entwürfe & mehr"):
        client.create(quoted(encode_name(name)))
        append(client, MAIL % (7, 7), folder=name)
    check(outside, dovecot, folders=("Sent", "Entwürfe & mehr", "Missing", "INBOX"))

    assert [("Sent", "sent"), ("Entwürfe & mehr", "")] == [(r["folder"], r["folder_role"]) for r in outside.records()]
    errors = outside.rows("SELECT folder, last_error FROM fetcher.cursor WHERE mailbox = %(mailbox)s ORDER BY folder")
    assert ["Missing"] == [folder for folder, error in errors if error]

    client.create("Missing")
    append(client, MAIL % (8, 8), folder="Missing")
    check(outside, dovecot, folders=("Missing",))
    errors = outside.rows("SELECT last_error FROM fetcher.cursor WHERE mailbox = %(mailbox)s AND folder = 'Missing'")
    assert [(None,)] == errors


def test_a_large_mail_is_streamed_and_a_too_large_one_gives_headers(outside, dovecot, client):
    large = MAIL % (1, 1) + b"0123456789abcdef\r\n" * (9 * 1024 * 1024 // 18)
    append(client, large, MAIL % (2, 2), MAIL % (3, 3) + b"x" * 12_000_000)
    check(outside, dovecot, limit=10 * 1024 * 1024)

    one, two, three = outside.records()
    assert large == outside.ports.blobs.path(one["blob_sha256"]).read_bytes()
    assert len(large) == one["size"]
    assert "2@example.org" == two["message_id"]
    assert ("too_large", "", "3@example.org") == (three["parse_outcome"], three["blob_sha256"], three["message_id"])
    assert 12_000_000 < three["size"]
    assert 3 == outside.cursor()[1]


@pytest.mark.parametrize("step", ["blobs", "send", "commit"])
def test_a_failing_store_leaves_the_cursor_and_the_next_check_gives_the_same_ids(outside, dovecot, client, step):
    append(client, MAIL % (1, 1), MAIL % (2, 2))

    def away(*_args, **_kwargs):
        raise Retry("the store is away")

    class Broken:
        put_many = writer = path = away
        transaction = away

    ports = outside.ports
    if step == "blobs":
        ports = replace(ports, blobs=Broken())
    elif step == "send":
        ports = replace(ports, send=away)
    else:
        ports = replace(ports, send=lambda rows: (outside.sent.extend(rows), away()))
    with pytest.raises(Retry):
        check(outside, dovecot, ports=ports)
    assert [] == outside.uids()
    assert (0, 3) == outside.cursor()[1:]

    check(outside, dovecot)

    assert [1, 2] == outside.uids()
    assert 2 == len({r["delivery_id"] for r in outside.records()})


def test_a_check_ends_between_batches_when_asked(outside, dovecot, client):
    append(client, *(MAIL % (n, n) for n in range(1, 206)))
    answers = iter([True, True, False])
    check(outside, dovecot, go_on=lambda: next(answers, False))

    assert 200 == outside.cursor()[1] == len(outside.uids())


def test_the_next_mails_are_read_while_those_before_are_handed_over(outside, dovecot, client, monkeypatch):
    append(client, *(MAIL % (n, n) for n in range(1, 206)))
    begun = [threading.Event(), threading.Event(), threading.Event()]
    batches = iter(begun)

    def read(*args, **options):
        next(batches).set()
        return fetch.read(*args, **options)

    def send(rows):
        outside.sent.extend(rows)
        assert begun[min(2, len(outside.sent) // 100)].wait(30), "nothing is read until this is sent"

    monkeypatch.setattr(folder_reading, "read", read)
    check(outside, dovecot, ports=replace(outside.ports, send=send))

    assert list(range(1, 206)) == [r["uid"] for r in outside.records()] == outside.uids()


def test_tls_by_starttls_needs_a_trusted_authority(stack, outside, dovecot, client):
    """The plain port offers STARTTLS with a certificate that only its own authority vouches for."""
    secure = replace(dovecot, tls="starttls")
    with (
        pytest.raises(failures.CertificateNotTrusted, match="MAILWEAVE_CA_FILE"),
        session(secure, outside.mailbox, Password("secret")),
    ):
        pass

    authority = Path(stack.environ["MAILWEAVE_HOME"]) / "dovecot" / "certificate.pem"
    append(client, MAIL % (1, 1))
    check(outside, replace(secure, ca_file=authority))
    assert [1] == outside.uids()


def test_probe(outside, dovecot):
    profile = ServerProfile(host=dovecot.host, port=dovecot.port, tls="none")

    assert "INBOX" in probe(profile, outside.mailbox, Password("secret"), ["INBOX"])
    with pytest.raises(Refused, match="refuses user name or password"):
        probe(profile, outside.mailbox, Password("wrong"), ["INBOX"])
    with pytest.raises(Refused, match=r"no folder 'Nope'.*the folders are: .*INBOX"):
        probe(profile, outside.mailbox, Password("secret"), ["Nope"])
