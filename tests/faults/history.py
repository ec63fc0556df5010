"""What was done to the mail server and how it ended, as far as its client can know."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Ended(StrEnum):
    """How an operation ended. ``INFO``: nobody knows whether it happened, so it may have happened or not."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a mail lies on the server (RFC 9051 section 2.3.1.1)."""

    mailbox: str
    folder: str
    uidvalidity: int
    uid: int

    def __str__(self) -> str:
        return f"{self.mailbox} {self.folder} {self.uidvalidity}/{self.uid}"


@dataclass(frozen=True, slots=True)
class Append:
    """One APPEND of a marked mail; ``place`` is what the server said with APPENDUID (RFC 4315)."""

    mark: str
    mailbox: str
    folder: str
    sha256: str
    ended: Ended
    place: Place | None = None


class History:
    """Collects operations from several threads. One that was begun and never ended counts as ``INFO``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, Append] = {}
        self._ended: list[Append] = []
        self._next = 0

    def invoked(self, mark: str, mailbox: str, folder: str, sha256: str) -> int:
        """Note what is about to be done, before it is done; return its number."""
        with self._lock:
            self._next += 1
            self._open[self._next] = Append(mark, mailbox, folder, sha256, Ended.INFO)
            return self._next

    def ended(self, number: int, how: Ended, place: Place | None = None) -> None:
        """Note how it ended."""
        with self._lock:
            begun = self._open.pop(number)
            self._ended.append(Append(begun.mark, begun.mailbox, begun.folder, begun.sha256, how, place))

    def appends(self) -> Sequence[Append]:
        """Return every operation."""
        with self._lock:
            return [*self._ended, *self._open.values()]

    def __iter__(self) -> Iterator[Append]:
        return iter(self.appends())
