"""Folders that a real server numbers anew or renames: each mail keeps its delivery, and new ones are taken."""

import imaplib
import os
import subprocess
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from services.cli.stack.unprivileged import identity
from services.domain.errors import Retry
from services.fetcher import cursor
from services.fetcher.folders import encode_name, quoted
from services.fetcher.imap import session
from services.fetcher.mechanisms import Password
from services.fetcher.polling import Progress, Task, poll
from tests.component.fetcher.checking import check

pytestmark = pytest.mark.component

DATE = '"01-Jan-2024 10:00:%02d +0200"'


def mail(number, *, named=True, size=0):
    name = f"Message-ID: <{number}@example.org>\r\n" if named else ""
    return f"{name}Subject: mail {number}\r\nFrom: a@example.org\r\n\r\nbody\r\n{'x' * size}".encode()


class Server:
    """A mailbox of the real Dovecot and what people and administrators do to it."""

    def __init__(self, stack, server, outside):
        self.config = Path(stack.environ["MAILWEAVE_HOME"]) / "dovecot" / "dovecot.conf"
        self.server, self.outside, self.user = server, outside, outside.mailbox

    def client(self):
        found = imaplib.IMAP4(self.server.host, self.server.port)
        found.login(self.user, "secret")
        return closing(found.socket()), found

    def append(self, *mails, folder="INBOX", second=0):
        around, client = self.client()
        with around:
            client.create(quoted(encode_name(folder)))
            for one in mails:
                assert client.append(quoted(encode_name(folder)), "", DATE % second, one)[0] == "OK"
            client.logout()

    def do(self, *calls):
        """Run IMAP commands, each a method name and its arguments."""
        around, client = self.client()
        with around:
            for method, *args in calls:
                status, data = getattr(client, method)(*args)
                assert status == "OK", (method, args, data)
            client.logout()

    def renumber(self, folder, epoch):
        """Give the folder another UIDVALIDITY."""
        who = identity(os.environ["PATH"])
        command = [*who.prefix, "doveadm", "-c", str(self.config), "mailbox", "update", "-u", self.user]
        done = subprocess.run(
            [*command, "--uid-validity", str(epoch), folder], check=False, text=True, capture_output=True
        )
        assert done.returncode == 0, done.stderr

    def check(self, *folders, ports=None, start=None, limit=10**8):
        outside = self.outside
        fence = cursor.claim(outside.ports.database, outside.mailbox).fence
        task = Task(
            mailbox=outside.mailbox, fence=fence, folders=folders or ("INBOX",), limit=limit, go_on=lambda: True,
            start=start,
        )  # fmt: skip
        progress = Progress()
        with session(self.server, outside.mailbox, Password("secret")) as connection:
            poll(connection, task, ports or outside.ports, progress)
        return progress

    def subjects(self):
        return Counter(record["subject"] for record in self.outside.records())

    def rows(self):
        return self.rows_of(self.outside)

    @staticmethod
    def rows_of(outside):
        query = (
            "SELECT id, folder, uidvalidity, uid FROM fetcher.delivery WHERE mailbox = %(mailbox)s"
            " ORDER BY folder, uidvalidity, uid"
        )
        return outside.rows(query)


@pytest.fixture
def server(stack, dovecot, outside):
    return Server(stack, dovecot, outside)


@pytest.mark.parametrize("named", [True, False], ids=["by Message-ID", "by content"])
def test_a_folder_that_is_numbered_anew_is_handed_over_no_second_time(server, named):
    server.append(*(mail(n, named=named) for n in range(1, 6)))
    server.check()
    before = [row[0] for row in server.rows()]

    server.renumber("INBOX", 4711)
    server.append(mail(6, named=named))
    server.check()

    assert {f"mail {n}": 1 for n in range(1, 7)} == server.subjects()
    assert before == [row[0] for row in server.rows()[:5]]
    assert [("INBOX", 4711, n) for n in range(1, 7)] == [row[1:] for row in server.rows()]


def test_mails_that_are_alike_are_told_by_their_bytes_and_in_order(server):
    """Same second, same size; two copies of one mail; one was expunged before the folder was numbered anew."""
    server.append(mail(1), mail(2), mail(1), mail(3))
    server.check()
    server.do(("select", "INBOX"), ("store", "2", "+FLAGS", r"(\Deleted)"), ("expunge",))
    before = [row[0] for row in server.rows()]

    server.renumber("INBOX", 4711)
    server.append(mail(1), mail(4))
    server.check()

    assert {"mail 1": 3, "mail 2": 1, "mail 3": 1, "mail 4": 1} == server.subjects()
    now = {row[3]: row[0] for row in server.rows() if row[2] == 4711}
    assert [before[0], before[2], before[3]] == [now[1], now[3], now[4]]
    assert 6 == len(server.rows())


def test_a_mail_that_was_too_large_to_keep_is_known_by_date_and_size(server):
    server.append(mail(1, size=5000), mail(2))
    server.check(limit=4000)

    server.renumber("INBOX", 4711)
    server.check(limit=4000)

    assert {"mail 1": 1, "mail 2": 1} == server.subjects()
    assert [1, 2] == [row[3] for row in server.rows()]


def test_a_raw_mail_that_is_gone_is_known_by_its_hash(server, outside):
    server.append(mail(1))
    server.check()
    outside.ports.blobs.path(outside.records()[0]["blob_sha256"]).unlink()

    server.renumber("INBOX", 4711)
    server.check()

    assert {"mail 1": 1} == server.subjects()


def test_an_epoch_that_comes_back_hides_no_mail_behind_the_number_of_another(server):
    """A server that is set back to a copy gives numbers and epoch that it had before to other mails."""
    server.append(mail(1), mail(2), mail(3))
    server.check()
    first = server.rows()[0][2]
    server.renumber("INBOX", first + 1)
    server.check()
    server.do(("select", "INBOX"), ("store", "1", "+FLAGS", r"(\Deleted)"), ("expunge",))
    server.renumber("INBOX", first)
    server.append(mail(4), mail(5))
    server.check()

    assert {f"mail {n}": 1 for n in range(1, 6)} == server.subjects()
    assert [2, 3, 4, 5] == [row[3] for row in server.rows() if row[2] == first]
    assert 5 == len({row[0] for row in server.rows()})


@pytest.mark.parametrize("step", ["send", "commit"])
def test_a_crash_while_it_is_matched_goes_on_where_it_was(server, outside, step):
    server.append(*(mail(n, named=n % 2) for n in range(1, 251)))
    server.check()
    server.renumber("INBOX", 4711)
    server.append(mail(251), mail(252))

    def away(rows):
        if step == "commit":
            outside.sent.extend(rows)
        raise Retry("the store is away")

    with pytest.raises(Retry):
        server.check(ports=replace(outside.ports, send=away))
    server.check()

    assert 252 == len({row[0] for row in server.rows()})
    assert [("INBOX", 4711, n) for n in range(1, 253)] == [row[1:] for row in server.rows()]
    ids = Counter(record["delivery_id"] for record in outside.records())
    assert 252 == len(ids)


def test_a_renamed_folder_keeps_its_deliveries(server):
    """Without MAILBOXID: the name is gone, and another folder has its UIDVALIDITY."""
    server.append(mail(1), mail(2), folder="Projekt")
    server.check("INBOX", "Projekt")
    before = [row[0] for row in server.rows()]
    server.do(("rename", "Projekt", '"Kunden/Gro&AN8-e \\"A\\" & B"'.replace(" & ", " &- ")))
    name = 'Kunden/Große "A" & B'
    server.append(mail(3), folder=name)
    server.check("INBOX", name)

    assert {"mail 1": 1, "mail 2": 1, "mail 3": 1} == server.subjects()
    assert [name] * 3 == [row[1] for row in server.rows()]
    assert before == [row[0] for row in server.rows()[:2]]


def test_another_folder_of_the_old_name_is_read_as_what_it_is(server):
    server.append(mail(1), folder="Projekt")
    server.check("INBOX", "Projekt")
    server.do(("rename", "Projekt", "Archiv"))
    server.append(mail(2), folder="Projekt")
    server.check("INBOX", "Projekt", "Archiv")
    server.check("INBOX", "Projekt", "Archiv")

    # What lies in the archive now is another delivery of the message: its folder was taken over by name.
    assert {"mail 1", "mail 2"} == set(server.subjects())
    assert {"Projekt", "Archiv"} == {row[1] for row in server.rows()}


def test_a_mail_that_is_moved_into_another_folder_is_a_delivery_of_its_own(server):
    server.append(mail(1))
    server.append(mail(2), folder="Projekt")
    server.check("INBOX", "Projekt")
    server.do(("select", "INBOX"), ("copy", "1", "Projekt"))
    server.check("INBOX", "Projekt")

    assert {"mail 1": 2, "mail 2": 1} == server.subjects()
    assert 3 == len({row[0] for row in server.rows()})


def test_what_message_id_date_and_size_tell_is_not_read_again(outside, hostile):
    mails = {n: mail(n, size=n) for n in range(1, 31)}
    server = hostile(mails)
    check(outside, server)
    server.said.clear()
    server.uidvalidity = 8
    check(outside, server)

    assert [8] * 30 == [row[2] for row in Server.rows_of(outside)]
    assert 30 == len(outside.records())
    assert not [line for line in server.said if "BODY.PEEK[]" in line]
