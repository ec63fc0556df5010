"""What the client of the mail server believes of each answer to APPEND, and what it does then."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.feeding import Feeder
from tests.faults.history import Ended, Place
from tests.faults.mails import INBOX, MISSING, Mail, Plan
from tests.faults.rendering import Form

QUEUE = "support@own.example"
ANSWERS = {
    b"OK [APPENDUID 7 3] Append completed.": Ended.OK,
    b"NO [TRYCREATE] Mailbox doesn't exist.": Ended.FAIL,
    b"NO [SERVERBUG] Internal error occurred.": Ended.INFO,
    b"": Ended.INFO,
}
FOUND = Place(QUEUE, INBOX, 7, 3)


@contextmanager
def server(*answers: bytes) -> Iterator[str]:
    """A mail server that gives these answers to one APPEND after the other; an empty one closes the connection."""
    left = list(answers)

    class Script(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK hello\r\n")
            while words := self.rfile.readline().split():
                if words[1] == b"CAPABILITY":
                    self.wfile.write(b"* CAPABILITY IMAP4rev1\r\n")
                if words[1] == b"APPEND":
                    self.wfile.write(b"+ go on\r\n")
                    size = int(words[-1].strip(b"{}")) + 2
                    if len(self.rfile.read(size)) < size:
                        return
                    answer = left.pop(0)
                    if not answer:
                        return
                    self.wfile.write(words[0] + b" " + answer + b"\r\n")
                else:
                    self.wfile.write(words[0] + b" OK done\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Script) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def plan_of(folder: str) -> Plan:
    mail = Mail("m1", Form.PLAIN, "kim@customer.example", (QUEUE,), places=((QUEUE, folder),))
    return Plan(1, [mail], [(mail, QUEUE, folder)])


@pytest.mark.parametrize("first", ANSWERS, ids=[answer.decode()[:14] or "nothing" for answer in ANSWERS])
def test_an_answer_says_what_is_known(first):
    """What is not known is offered again, as another operation, until it is."""
    certain = ANSWERS[first] != Ended.INFO
    with server(first, b"OK [APPENDUID 7 3] Append completed.") as address:
        feeder = Feeder(address, plan_of(INBOX))
        feeder.finish(20)

    expected = [ANSWERS[first]] if certain else [Ended.INFO, Ended.OK]
    assert expected == [one.ended for one in feeder.history]
    assert [FOUND] * (Ended.OK in expected) == [one.place for one in feeder.history if one.place]


def test_a_mail_that_is_refused_is_also_begun_and_left_in_the_middle():
    with server(b"NO [TRYCREATE] Mailbox doesn't exist.") as address:
        feeder = Feeder(address, plan_of(MISSING))
        feeder.finish(20)

    assert [(INBOX, Ended.FAIL), (MISSING, Ended.FAIL)] == [(one.folder, one.ended) for one in feeder.history]


def test_an_operation_that_never_ended_is_of_unknown_outcome():
    feeder = Feeder("127.0.0.1:1", plan_of(INBOX))
    feeder.history.invoked("m1", QUEUE, INBOX, "0" * 64)

    assert [Ended.INFO] == [one.ended for one in feeder.history]
