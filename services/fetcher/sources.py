"""
What a path to import holds: one mail, a folder of mails, an mbox, a Maildir; read one mail at a time.

A mail that is broken is a mail all the same. A file that cannot be read is yielded as such and the rest goes on.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from services.domain.errors import Refused
from services.fetcher import mbox
from services.fetcher.fetch import STREAMED_ABOVE


@dataclass(frozen=True, slots=True)
class Whole:
    """A mail in memory. ``received`` is when a server received it, where the source says so."""

    content: bytes
    received: datetime | None


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A mail too large for memory, as a file that stays until the next one is asked for."""

    path: Path
    size: int
    received: datetime | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that could not be read; ``reason`` is the operating system's."""

    path: Path
    reason: str


Found = Whole | OnDisk | Unreadable


def count(path: Path) -> int:
    """Return how many mails the path holds, for a progress display; a file that cannot be read counts as one."""
    total = 0
    for file in _files(path):
        try:
            with file.open("rb") as stream:
                total += mbox.count(stream) if _is_mbox(file) else 1
        except OSError:
            total += 1
    return total


def mails(path: Path) -> Iterator[Found]:
    """Yield the mails of a path in an order that is the same each time."""
    with TemporaryDirectory(prefix="mailweave-import-") as room:
        for file in _files(path):
            try:
                if _is_mbox(file):
                    yield from _from_mbox(file, Path(room))
                else:
                    yield _single(file)
            except OSError as error:
                yield Unreadable(file, error.strerror or type(error).__name__)


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise Refused(f"{path} does not exist")
    if not path.is_dir():
        yield path
    elif (path / "cur").is_dir() and (path / "new").is_dir():
        # Maildir: what lies in tmp is still being delivered. Sub-folders are Maildirs of their own.
        for part in ("new", "cur"):
            with os.scandir(path / part) as entries:
                names = sorted(e.name for e in entries if e.is_file() and not e.name.startswith("."))
            yield from (path / part / name for name in names)
    else:
        for folder, below, names in os.walk(path):  # does not follow links, so it ends
            below.sort()
            yield from (Path(folder, n) for n in sorted(names) if n.lower().endswith((".eml", ".mbox")))


def _is_mbox(file: Path) -> bool:
    if file.suffix.lower() == ".eml" or file.parent.name in ("cur", "new"):
        return False
    with file.open("rb") as stream:
        return stream.read(5) == b"From "


def _single(file: Path) -> Found:
    stat = file.stat()
    # A Maildir file keeps the time of delivery as its time stamp; a saved .eml only that of saving.
    received = datetime.fromtimestamp(stat.st_mtime, UTC) if file.parent.name in ("cur", "new") else None
    if stat.st_size > STREAMED_ABOVE:
        return OnDisk(file, stat.st_size, received)
    return Whole(file.read_bytes(), received)


def _from_mbox(file: Path, room: Path) -> Iterator[Found]:
    with file.open("rb") as stream:
        for mail in mbox.split(stream):
            content = bytearray()
            for piece in mail.pieces:
                content += piece
                if len(content) > STREAMED_ABOVE:
                    break
            else:
                yield Whole(bytes(content), mail.received)
                continue
            with _spooled(room, bytes(content), mail.pieces) as large:
                yield OnDisk(large, large.stat().st_size, mail.received)


@contextmanager
def _spooled(room: Path, start: bytes, rest: Iterator[bytes]) -> Iterator[Path]:
    path = room / "mail"
    try:
        with path.open("wb") as out:
            out.write(start)
            for piece in rest:
                out.write(piece)
        yield path
    finally:
        path.unlink(missing_ok=True)
