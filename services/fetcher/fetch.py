"""
Reading the mails above a cursor: listed in windows, small ones in batches, large ones in pieces.

Memory stays flat: a batch is at most 100 mails and 8 MB, and one more is read while it is handed over; a mail over
4 MB goes to the blob store in pieces of 1 MB and is never whole in this process.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.fetcher import failures
from services.fetcher.answers import LISTING, Listed, bodies, listed

WINDOW = 2000
BATCH_MAILS = 100
BATCH_BYTES = 8 * 1024 * 1024
STREAMED_ABOVE = 4 * 1024 * 1024
PIECE = 1024 * 1024
HEADER_LIMIT = 1024 * 1024


class Reader(Protocol):
    """What is asked of a connection; the true one is :class:`services.fetcher.imap.Connection`."""

    def fetch(self, uids: str, items: str, /) -> list[object]:
        """Return the answers of UID FETCH, complete or not."""

    def fetch_checked(self, uids: str, items: str, /) -> list[object]:
        """Return the answers of UID FETCH, complete."""

    def present(self, uids: Sequence[int], /) -> frozenset[int]:
        """Return those UIDs that are in the folder now."""


class BlobWriter(Protocol):
    """A blob on its way into the store; nothing of it can be seen before ``commit``."""

    def write(self, chunk: bytes, /) -> object:
        """Add bytes."""

    def commit(self) -> str:
        """Make it durable and return its SHA-256."""

    def abort(self) -> object:
        """Leave nothing behind."""


@dataclass(frozen=True, slots=True)
class Small:
    """A mail read whole."""

    listed: Listed
    content: bytes


@dataclass(frozen=True, slots=True)
class Large:
    """A mail that is in the blob store already."""

    listed: Listed
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A mail over the limit: its header block alone, no blob."""

    listed: Listed
    headers: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """The mails with ``first`` <= UID <= ``last``, as listed. What is not among them is not in the folder."""

    first: int
    last: int
    mails: tuple[Listed, ...]


def windows(reader: Reader, above: int, uidnext: int, now: datetime) -> Iterator[Window]:
    """
    Yield all UIDs above ``above`` and below ``uidnext``, in order, in windows.

    A window that is empty doubles the next, so that a folder with large gaps takes few questions.
    """
    first, width = above + 1, WINDOW
    while first < uidnext:
        last = min(first + width - 1, uidnext - 1)
        answers = reader.fetch_checked(f"{first}:{last}", LISTING)
        mails = tuple(m for m in listed(answers, now) if first <= m.uid <= last)
        yield Window(first, last, mails)
        first = last + 1
        width = WINDOW if mails else width * 2


def batches(mails: Sequence[Listed], *, limit: int) -> Iterator[tuple[Listed, ...]]:
    """Yield the mails in order, in batches that fit into memory; a large one, or one over ``limit``, is alone."""
    batch: list[Listed] = []
    size = 0
    for mail in mails:
        alone = mail.size > min(STREAMED_ABOVE, limit)
        if batch and (alone or len(batch) == BATCH_MAILS or size + mail.size > BATCH_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        if alone:
            yield (mail,)
        else:
            batch.append(mail)
            size += mail.size
    if batch:
        yield tuple(batch)


def read(
    reader: Reader, batch: Sequence[Listed], writer: "WriterFactory", *, limit: int
) -> list[Small | Large | TooLarge]:
    """
    Return the contents of a batch in order of UID, without the mails that are gone from the server.

    A mail that is listed but comes without content is asked for again; it counts as gone only when a search
    says so. Otherwise :class:`failures.BodyMissing` is raised and nothing of the batch is returned.
    """
    if len(batch) == 1 and batch[0].size > limit:
        found = bodies(reader.fetch(str(batch[0].uid), f"(UID BODY.PEEK[HEADER]<0.{HEADER_LIMIT}>)"))
        got: list[Small | Large | TooLarge] = [TooLarge(batch[0], h) for u, h in found.items() if u == batch[0].uid]
    elif len(batch) == 1 and batch[0].size > STREAMED_ABOVE:
        large = stream(reader, batch[0], writer)
        got = [large] if large else []
    else:
        got = list(_whole(reader, batch))
    missing = {m.uid for m in batch} - {g.listed.uid for g in got}
    if missing and (still := reader.present(sorted(missing))):
        raise failures.BodyMissing(f"the server lists {len(still)} mails but does not give their content")
    return got


def _whole(reader: Reader, batch: Sequence[Listed]) -> Iterator[Small]:
    found = bodies(reader.fetch(",".join(str(m.uid) for m in batch), "(UID BODY.PEEK[])"))
    for mail in batch:
        content = found.get(mail.uid)
        if content is None and len(batch) > 1:
            # One mail that a server cannot read makes some of them give up on the whole command.
            content = bodies(reader.fetch(str(mail.uid), "(UID BODY.PEEK[])")).get(mail.uid)
        if content is not None:
            yield Small(mail, content)


class WriterFactory(Protocol):
    """Gives a writer into the blob store."""

    def __call__(self) -> BlobWriter:
        """Begin a blob."""


def stream(reader: Reader, mail: Listed, writer: WriterFactory) -> Large | None:
    """
    Copy a mail into the blob store in pieces; None when the server has no content for it.

    The end is an empty piece, or a short one once the announced size is reached: the announced size alone is
    not believed. A piece longer than what was asked for is an error, because offsets would no longer be true.
    """
    blob = writer()
    offset = 0
    try:
        while True:
            piece = bodies(reader.fetch(str(mail.uid), f"(UID BODY.PEEK[]<{offset}.{PIECE}>)")).get(mail.uid)
            if piece is None and offset < mail.size:
                blob.abort()
                return None
            if not piece:
                break
            if len(piece) > PIECE:
                raise failures.ProtocolError("the server gives more than it was asked for")
            blob.write(piece)
            offset += len(piece)
            if len(piece) < PIECE and offset >= mail.size:
                break
        return Large(mail, blob.commit(), offset)
    except BaseException:
        blob.abort()
        raise
