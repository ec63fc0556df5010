"""What a POP3 mail becomes on its way in: bytes in memory, a blob copied in pieces, or its header alone."""

import hashlib
from typing import TypeAlias

from services.fetcher import failures
from services.fetcher.fetch import HEADER_LIMIT
from services.fetcher.handover import Blobs, Content, HeadersOnly, Stored
from services.fetcher.pop3 import Connection
from services.fetcher.spooling import Spool

MOST_HEADER_BYTES = 4 * HEADER_LIMIT
MARGIN = 1024 * 1024

What: TypeAlias = Content | Stored | HeadersOnly


def read(connection: Connection, number: int, announced: int, blobs: Blobs, limit: int) -> tuple[What, int]:
    """
    Return a mail and its size in bytes; in memory only up to 4 MB of it.

    A mail that is announced as larger than ``limit``, or turns out to be, leaves its header only. ``BodyMissing`` when
    the server refuses it; ``ProtocolError`` when it sends without end.
    """
    if announced > limit:
        return HeadersOnly(head(connection, number, announced)), announced
    spool = Spool(blobs.writer)
    start, size = bytearray(), 0
    try:
        for piece in connection.content(number):
            size += len(piece)
            if len(start) < HEADER_LIMIT:
                start += piece
            if size <= limit:
                spool.write(piece)
            elif size > 2 * limit + MARGIN:
                raise failures.ProtocolError("the server sends a mail without end")
        if size > limit:
            return HeadersOnly(bytes(start[:HEADER_LIMIT])), size
        mail = spool.finish()
        return mail.content, mail.size
    finally:
        spool.abort()


def head(connection: Connection, number: int, announced: int) -> bytes:
    """Return the beginning of a mail; the rest is read too, since it would be taken for the next answer."""
    found = bytearray()
    total = 0
    for piece in connection.head(number):
        total += len(piece)
        if total > max(MOST_HEADER_BYTES, announced + MARGIN):
            raise failures.ProtocolError("the server sends more than it has announced")
        if len(found) < HEADER_LIMIT:
            found += piece
    return bytes(found)


def digest(connection: Connection, number: int) -> str:
    """Return the SHA-256 of a mail as it lies on the server."""
    state = hashlib.sha256()
    for piece in connection.content(number):
        state.update(piece)
    return state.hexdigest()
