"""Appends the planned mails over IMAP while the world falls apart, and keeps what is known of each attempt."""

import imaplib
import queue
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from tests.conftest import PASSWORD
from tests.faults.history import Ended, History, Place
from tests.faults.mails import INBOX, MAILBOXES, Mail, Plan

ANSWER_SECONDS = 5.0
PAUSE_SECONDS = 0.2
_PLACE = re.compile(rb"\[APPENDUID (\d+) (\d+)\]")
# The server says NO to what it cannot do now; only these say for sure that nothing was stored.
_CERTAIN = (b"TRYCREATE", b"OVERQUOTA", b"LIMIT")


@dataclass
class Feeder:
    """
    One client for each mailbox. A mail goes on the server when it is released, and is offered until that is certain.

    So a mail may lie there more often than planned, and never less; a mail that is refused lies nowhere.
    """

    server: str
    plan: Plan
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        self._released = 0
        self._queues: dict[str, queue.Queue[tuple[Mail, str] | None]] = {one: queue.Queue() for one in MAILBOXES}
        self._failed: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(one,), daemon=True) for one in MAILBOXES]
        for thread in self._threads:
            thread.start()

    def release(self, count: int) -> None:
        """Have the next mails of the plan appended, by and by."""
        for mail, mailbox, folder in self.plan.appends[self._released : self._released + count]:
            self._queues[mailbox].put((mail, folder))
        self._released += count

    def finish(self, seconds: float) -> None:
        """Release what is left and return when everything lies on the server; fails when that takes too long."""
        self.release(len(self.plan.appends) - self._released)
        for waiting in self._queues.values():
            waiting.put(None)
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        left = {mailbox: waiting.qsize() for mailbox, waiting in self._queues.items() if waiting.qsize()}
        assert not self._failed, f"a client of the mail server broke: {self._failed}"
        assert not any(thread.is_alive() for thread in self._threads), f"not appended after {seconds:.0f} s: {left}"

    def _run(self, mailbox: str) -> None:
        client = Client(self.server, mailbox)
        try:
            while (next_one := self._queues[mailbox].get()) is not None:
                mail, folder = next_one
                if mail.refused:
                    self._cut_short(mail, mailbox)
                while self._append(client, mail, mailbox, folder) == Ended.INFO:
                    time.sleep(PAUSE_SECONDS)
        except BaseException as error:
            self._failed.append(error)
            raise
        finally:
            client.close()

    def _append(self, client: "Client", mail: Mail, mailbox: str, folder: str) -> Ended:
        raw = mail.raw
        if not client.connected():
            return Ended.INFO
        number = self.history.invoked(mail.mark, mailbox, folder, mail.sha256)
        how, found = client.append(folder, raw)
        place = Place(mailbox, folder, *found) if found else None
        self.history.ended(number, how, place)
        return how

    def _cut_short(self, mail: Mail, mailbox: str) -> None:
        """Begin an APPEND and leave before the mail is whole: nothing of it may be kept (RFC 9051 section 6.3.12)."""
        client = Client(self.server, mailbox)
        if client.connected():
            number = self.history.invoked(mail.mark, mailbox, INBOX, mail.sha256)
            client.leave_in_the_middle(mail.raw)
            self.history.ended(number, Ended.FAIL)
        client.close()


class Client:
    """A connection that is made anew when it breaks."""

    def __init__(self, server: str, user: str) -> None:
        host, _, port = server.rpartition(":")
        self._address = (host, int(port))
        self._user = user
        self._imap: imaplib.IMAP4 | None = None

    def connected(self) -> bool:
        """Whether there is a connection now; makes one where there is none."""
        if self._imap is None:
            try:
                self._imap = imaplib.IMAP4(*self._address, timeout=ANSWER_SECONDS)
                self._imap.login(self._user, PASSWORD)
            except (OSError, imaplib.IMAP4.error):
                self.close()
                return False
        return True

    def append(self, folder: str, raw: bytes) -> tuple[Ended, tuple[int, int] | None]:
        assert self._imap is not None
        try:
            answer, data = self._imap.append(folder, "", imaplib.Time2Internaldate(time.time()), raw)
        except (OSError, imaplib.IMAP4.error):
            self.close()
            return Ended.INFO, None
        said = b" ".join(one for one in data if isinstance(one, bytes))
        if answer == "OK":
            place = _PLACE.search(said)
            assert place is not None, f"the server gave no place: {said!r}"
            return Ended.OK, (int(place[1]), int(place[2]))
        return (Ended.FAIL if any(word in said for word in _CERTAIN) else Ended.INFO), None

    def expunge(self, folder: str, uid: int) -> None:
        """Take a mail away, if there is a connection that lasts so long."""
        if not self.connected():
            return
        assert self._imap is not None
        try:
            self._imap.select(folder)
            self._imap.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)")
            self._imap.uid("EXPUNGE", str(uid))
            self._imap.unselect()
        except (OSError, imaplib.IMAP4.error):
            self.close()

    def leave_in_the_middle(self, raw: bytes) -> None:
        assert self._imap is not None
        with suppress(OSError):
            self._imap.send(b"x1 APPEND INBOX {%d}\r\n" % len(raw))
            time.sleep(0.05)
            self._imap.send(raw[: len(raw) // 2])
        self.close()

    def close(self) -> None:
        if self._imap is not None:
            with suppress(OSError):
                self._imap.shutdown()
            self._imap = None
