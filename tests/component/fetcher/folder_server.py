"""A mailbox of the real Dovecot, what people and administrators do to it, and what the fetcher makes of it."""

import imaplib
import os
import subprocess
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

from services.cli.stack.unprivileged import identity
from services.contracts import decode
from services.fetcher import cursor
from services.fetcher.folders import encode_name, quoted
from services.fetcher.imap import session
from services.fetcher.mechanisms import Password
from services.fetcher.polling import Progress, Task, poll

DATE = '"01-Jan-2024 10:00:%02d +0200"'


def mail(number, *, named=True, size=0):
    name = f"Message-ID: <{number}@example.org>\r\n" if named else ""
    return f"{name}Subject: mail {number}\r\nFrom: a@example.org\r\n\r\nbody\r\n{'x' * size}".encode()


def wire_name(folder):
    return quoted(encode_name(folder))


def rows_of(outside):
    query = (
        "SELECT id, folder, uidvalidity, uid, tracked_by FROM fetcher.delivery WHERE mailbox = %(mailbox)s"
        " ORDER BY folder, uidvalidity, uid"
    )
    return outside.rows(query)


def moved(outside):
    """Return what the events say of moved deliveries, in their order."""
    query = "SELECT value FROM fetcher.outbox WHERE topic = 'delivery-moved' ORDER BY id"
    found = [decode(value)[1] for (value,) in outside.rows(query)]
    return [event for event in found if event["mailbox"] == outside.mailbox]


def events_tell_the_places(outside):
    """Whoever follows the records and the events knows where each delivery lies, and misses no version."""
    places = {r["delivery_id"]: (1, r["folder"], r["uidvalidity"], r["uid"]) for r in outside.records()}
    for event in moved(outside):
        assert places[event["delivery_id"]][0] + 1 == event["version"]
        places[event["delivery_id"]] = (event["version"], event["folder"], event["uidvalidity"], event["uid"])
    query = (
        "SELECT id::text, place_version, folder, CASE WHEN uid IS NOT NULL THEN uidvalidity END, uid"
        " FROM fetcher.delivery WHERE mailbox = %(mailbox)s"
    )
    there = {id_: place for id_, *place in outside.rows(query)}
    assert there == {id_: list(places[id_]) for id_ in there}


class FolderServer:
    """
    ``folders`` are read unless a check says otherwise; ``through`` makes of ports what a check reads with: themselves,
    or an endpoint in front of them.
    """

    def __init__(self, stack, server, outside, through=lambda ports: ports):
        self.through = through
        self.config = Path(stack.environ["MAILWEAVE_HOME"]) / "dovecot" / "dovecot.conf"
        self.server, self.outside, self.user = server, outside, outside.mailbox

    @contextmanager
    def client(self):
        found = imaplib.IMAP4(self.server.host, self.server.port)
        with closing(found.socket()):
            found.login(self.user, "secret")
            yield found
            found.logout()

    def append(self, *mails, folder="INBOX", second=0):
        with self.client() as client:
            client.create(wire_name(folder))
            for one in mails:
                assert client.append(wire_name(folder), "", DATE % second, one)[0] == "OK"

    def do(self, *calls):
        """Run IMAP commands, each a method name and its arguments."""
        with self.client() as client:
            for method, *args in calls:
                status, data = getattr(client, method)(*args)
                assert status == "OK", (method, args, data)

    def flag(self, uid, folder="INBOX", *, keyword="$MailweaveTracked"):
        self.do(("select", wire_name(folder)), ("uid", "STORE", str(uid), "+FLAGS", f"({keyword})"))

    def renumber(self, folder, epoch):
        """Give the folder another UIDVALIDITY."""
        who = identity(os.environ["PATH"])
        command = [*who.prefix, "doveadm", "-c", str(self.config), "mailbox", "update", "-u", self.user]
        done = subprocess.run(
            [*command, "--uid-validity", str(epoch), folder], check=False, text=True, capture_output=True
        )
        assert done.returncode == 0, done.stderr

    def check(self, *folders, **how):
        """Check over a connection of its own, which ends when a store fails."""
        with session(self.server, self.outside.mailbox, Password("secret")) as connection:
            return self.check_over(connection, *folders, **how)

    def check_over(
        self, connection, *folders, ports=None, start=None, limit=10**8, sent=False, rules=None, go_on=lambda: True
    ):
        outside = self.outside
        claimed = cursor.claim(outside.ports.database, outside.mailbox)
        task = Task(
            mailbox=outside.mailbox, fence=claimed.fence, known=claimed.folders, folders=folders or ("INBOX",),
            limit=limit, go_on=go_on, start=start, sent=sent, rules=rules or {},
        )  # fmt: skip
        progress = Progress()
        poll(connection, task, self.through(ports or outside.ports), progress)
        return progress

    def subjects(self):
        return Counter(record["subject"] for record in self.outside.records())

    def rows(self):
        """Return folder, epoch and number of each delivery, after its id."""
        return [row[:4] for row in rows_of(self.outside)]
