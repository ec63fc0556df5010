"""A mail that comes in pieces: small ones stay in memory, large ones go to the blob store as they come."""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

from services.fetcher.fetch import PIECE, STREAMED_ABOVE, BlobWriter, WriterFactory
from services.fetcher.handover import Content, Stored


@dataclass(frozen=True, slots=True)
class Spooled:
    """A whole mail."""

    content: Content | Stored
    sha256: str
    size: int


class Spool:
    """
    Takes a mail piece by piece and holds at most 4 MB of it. For one thread at a time.

    A ``Retry`` of the blob store gives the mail up.
    """

    def __init__(self, writer: WriterFactory) -> None:
        self._writer = writer
        self._held = bytearray()
        self._blob: BlobWriter | None = None
        self._size = 0

    def write(self, piece: bytes) -> None:
        """Add bytes."""
        self._size += len(piece)
        if self._blob is None and self._size <= STREAMED_ABOVE:
            self._held += piece
            return
        if self._blob is None:
            self._blob = self._writer()
            self._blob.write(bytes(self._held))
            self._held.clear()
        self._blob.write(piece)

    def finish(self) -> Spooled:
        """Return the mail. What was written to the blob store is durable, what is in memory is not stored."""
        if self._blob is not None:
            sha256 = self._blob.commit()
            return Spooled(Stored(sha256), sha256, self._size)
        raw = bytes(self._held)
        self._held.clear()
        return Spooled(Content(raw), hashlib.sha256(raw).hexdigest(), self._size)

    def abort(self) -> None:
        """Leave nothing behind of a mail that is not finished; after ``finish`` nothing happens."""
        if self._blob is not None:
            self._blob.abort()


def spool_file(file: BinaryIO, writer: WriterFactory) -> Spooled:
    """Return the mail in an open file."""
    spool = Spool(writer)
    try:
        while piece := file.read(PIECE):
            spool.write(piece)
        return spool.finish()
    finally:
        spool.abort()
