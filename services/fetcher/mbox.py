"""
The mbox format (RFC 4155): where one mail ends and the next begins, read line by line.

Separators are taken with care, because many programs do not quote ``From `` in bodies.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

LONGEST_LINE = 64 * 1024

_DATED = re.compile(
    rb"^From .*?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+(\d{1,2})\s+(\d\d?):(\d\d)(?::(\d\d))?\s+"
    rb"(?:[A-Z]{1,5}\s+|[+-]\d{4}\s+)?(\d{4})\b"
)
_HEADER = re.compile(rb"^(?:[!-9;-~]+[ \t]*:|>From )")
_QUOTED = re.compile(rb"^>+From ")
_MONTHS = {m: i for i, m in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of an mbox. ``pieces`` must be read, or given up, before the next mail is asked for."""

    received: datetime | None
    pieces: Iterator[bytes]


def received(separator: bytes) -> datetime | None:
    """Return the date of a separator line, taken as UTC as RFC 4155 says, or None."""
    found = _DATED.match(separator)
    if found is None:
        return None
    month, day, hour, minute, second, year = found.groups()
    try:
        clock = (int(hour), int(minute), min(int(second or 0), 59))
        return datetime(int(year), _MONTHS[month], int(day), *clock, tzinfo=UTC)
    except ValueError:
        return None


class _Lines:
    """The lines of a stream with one of lookahead; a line of unusual length comes in pieces."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.line = b""
        self.next = stream.readline(LONGEST_LINE)
        self._whole = True  # the next piece begins a line
        self.begins = True  # the present piece begins a line
        self.after_blank = True

    def step(self) -> bool:
        """Go to the next line; False at the end."""
        self.after_blank = self.begins and not self.line.strip(b"\r\n")
        self.line, self.begins = self.next, self._whole
        self._whole = self.line.endswith(b"\n")
        self.next = self._stream.readline(LONGEST_LINE) if self.line else b""
        return bool(self.line)

    def separates(self) -> bool:
        """
        Tell whether the present line begins a mail.

        Two of three signs are asked for: an empty line before it, a date in it, a header after it. A sentence
        that begins with "From " has at most one.
        """
        if not self.begins or not self.line.startswith(b"From "):
            return False
        dated = _DATED.match(self.line) is not None
        return dated + self.after_blank + (_HEADER.match(self.next) is not None) > 1


def split(stream: BinaryIO) -> Iterator[Mail]:
    """Yield the mails of an mbox, ``>From`` unquoted and without the empty line that ends each."""
    lines = _Lines(stream)
    more = lines.step()
    while more:
        separator = lines.line
        if not separator.startswith(b"From "):
            return
        state = _State()
        pieces = _pieces(lines, state)
        yield Mail(received(separator), pieces)
        for _ in pieces:
            pass  # what the reader left
        more = state.more


@dataclass(slots=True)
class _State:
    more: bool = False


def _pieces(lines: _Lines, state: _State) -> Iterator[bytes]:
    blank = b""
    while lines.step():
        if lines.separates():
            state.more = True
            return
        if blank:
            yield blank
        blank = lines.line if lines.begins and lines.line in (b"\n", b"\r\n") else b""
        if not blank:
            yield lines.line[1:] if lines.begins and _QUOTED.match(lines.line) else lines.line


def count(stream: BinaryIO) -> int:
    """Return how many mails an mbox holds."""
    lines = _Lines(stream)
    if not lines.step():
        return 0
    total = 1
    while lines.step():
        total += lines.separates()
    return total
