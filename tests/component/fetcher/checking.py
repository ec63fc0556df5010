"""Checks of a server's mailbox, as the service makes them, and what came of them."""

from collections import Counter

from services.contracts import decode
from services.fetcher import cursor
from services.fetcher.checks import Checker
from services.fetcher.imap import Server, session
from services.fetcher.mechanisms import Password
from services.fetcher.polling import Progress, Task, poll
from services.settings.models import MailboxSettings, ServerProfile
from services.settings.snapshot import Snapshot

MAILS = {n: b"Subject: %d\r\nFrom: a@example.org\r\n\r\nbody\r\n" % n for n in range(1, 251)}


def server_at(port: int, *, seconds: float = 1.0) -> Server:
    return Server(host="127.0.0.1", port=port, tls="none", seconds=seconds)


def check(outside, server, *, seconds=1.0, folders=("INBOX",)):
    """Read the mailbox; what goes wrong is raised."""
    claimed = cursor.claim(outside.ports.database, outside.mailbox)
    task = Task(
        mailbox=outside.mailbox,
        fence=claimed.fence,
        known=claimed.folders,
        folders=folders,
        limit=10**8,
        go_on=lambda: True,
    )
    progress = Progress()
    with session(server_at(server.port, seconds=seconds), "user", Password("pässword")) as connection:
        poll(connection, task, outside.ports, progress)
    return progress


def checker(outside, server, credential=lambda: Password("pässword")):
    """The true checker of the test's mailbox, which never raises; ``credential`` is asked at each check."""
    profile = ServerProfile(host=server.host, port=server.port, tls=server.tls, timeoutSeconds=int(server.seconds))
    address = outside.mailbox
    mailbox = MailboxSettings(address=address, serverProfile="p", user=address, credential="c")
    snapshot = Snapshot(version=1, mailboxes={address: mailbox}, profiles={"p": profile})
    return Checker(
        settings=lambda: snapshot,
        ports=lambda: outside.ports,
        credential=lambda _ports, _name: credential(),
        chance=lambda: 0.0,
        log_key=b"x",
        ca_file=server.ca_file,
    )


def end(outside, server):
    """Check once and return the code with which the check ended, empty after success."""
    ended = checker(outside, server).check(outside.mailbox, lambda: True)
    assert not ended.world, ended
    return ended.code


def signals(outside):
    """Return code and state of what the outbox says of the mailbox, in order."""
    with outside.ports.database.transaction() as connection:
        query = "SELECT value FROM fetcher.outbox WHERE topic = 'alert-signals' ORDER BY id"
        found = [decode(value)[1] for (value,) in connection.execute(query)]
    return [(s["code"], s["state"]) for s in found if s["object"] == f"mailbox/{outside.mailbox}"]


def nothing_is_skipped(outside):
    """Every UID up to the cursor has a delivery, and every delivery was sent."""
    at = outside.cursor()
    assert list(range(1, (at[1] if at else 0) + 1)) == outside.uids()
    assert {r["uid"] for r in outside.records()} >= set(outside.uids())


def everything_arrived_once(outside, mails):
    """Each mail has one delivery and one record, and its bytes are those that the server has."""
    assert sorted(mails) == outside.uids()
    assert {1} == set(Counter(r["uid"] for r in outside.records()).values())
    stored = {r["uid"]: outside.ports.blobs.path(r["blob_sha256"]).read_bytes() for r in outside.records()}
    assert mails == stored
