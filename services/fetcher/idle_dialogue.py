"""One IMAP connection that idles (RFC 2177), without its socket: bytes come in, bytes to send come out."""

import re
from enum import StrEnum

LONGEST_LINE = 8192
MOST_BYTES = 1024 * 1024

_TAG = b"idle"
_COUNT = re.compile(rb"\* (\d{1,10}) (EXISTS|EXPUNGE|RECENT)$", re.IGNORECASE)
_VANISHED = re.compile(rb"\* VANISHED ", re.IGNORECASE)
_BYE = re.compile(rb"\* BYE\b", re.IGNORECASE)


class How(StrEnum):
    """How an IDLE ended."""

    WOKEN = "woken"  # the server told of a change
    LOOKED = "looked"  # somebody wants the connection
    LOST = "lost"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    PROTOCOL_ERROR = "protocol_error"


class GivenUp(Exception):  # noqa: N818 - named for what happened
    """The connection is of no more use. No text of the server is kept."""

    def __init__(self, how: How) -> None:
        super().__init__(how.value)
        self.how = how


class Step(StrEnum):
    """Where the dialogue stands."""

    BEGINNING = "beginning"  # IDLE is sent, the continuation is awaited
    IDLING = "idling"
    ENDING = "ending"  # DONE is sent, the tagged answer is awaited
    ENDED = "ended"  # the connection takes commands


class Dialogue:
    """
    What is said while a folder idles. ``changed`` is whether mails came or went, as the server says.

    ``exists`` is how many mails the folder had when it was opened: a server that repeats it says nothing new. Memory is
    bounded by a line, what is read in one IDLE by ``MOST_BYTES``.
    """

    def __init__(self, exists: int | None = None) -> None:
        self.step = Step.ENDED
        self.changed = False
        self._exists = exists
        self._waiting = b""
        self._got = 0

    def begin(self) -> bytes:
        """Return what begins to idle."""
        self.step, self._got = Step.BEGINNING, 0
        return _TAG + b" IDLE\r\n"

    def finish(self) -> bytes:
        """Return what ends it; the connection may be used once the step is ``ENDED``."""
        self.step = Step.ENDING
        return b"DONE\r\n"

    def receive(self, data: bytes) -> None:
        """Take what the server sent. Raises ``GivenUp``."""
        self._got += len(data)
        if self._got > MOST_BYTES:
            raise GivenUp(How.PROTOCOL_ERROR)
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        for line in lines:
            self._take(line.rstrip(b"\r"))
        if len(self._waiting) > LONGEST_LINE:
            raise GivenUp(How.PROTOCOL_ERROR)
        if self._waiting and self.step is Step.ENDED:
            # The rest of this line would be taken for the answer to the next command.
            raise GivenUp(How.PROTOCOL_ERROR)

    def _take(self, line: bytes) -> None:
        if line.startswith(b"* "):
            self._untagged(line)
        elif line.startswith(b"+"):
            self.step = Step.IDLING if self.step is Step.BEGINNING else self.step
        elif line.startswith(_TAG + b" "):
            if self.step is not Step.ENDING or not line[len(_TAG) :].upper().startswith(b" OK"):
                raise GivenUp(How.REFUSED)
            self.step = Step.ENDED
        else:
            raise GivenUp(How.PROTOCOL_ERROR)

    def _untagged(self, line: bytes) -> None:
        if _BYE.match(line):
            raise GivenUp(How.LOST)
        found = _COUNT.match(line)
        if found is None:
            self.changed = self.changed or bool(_VANISHED.match(line))
            return
        number, what = int(found[1]), found[2].upper()
        if what == b"EXISTS":
            self.changed = self.changed or number != self._exists
            self._exists = number
        elif what == b"EXPUNGE":
            self.changed = True
            self._exists = self._exists - 1 if self._exists else None
        else:
            self.changed = self.changed or number > 0
