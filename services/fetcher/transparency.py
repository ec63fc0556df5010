"""The content of DATA as it stands on the wire: where it ends, and which dots are not part of it."""

import asyncio
from collections.abc import AsyncIterator

END = b".\r\n"


async def content(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """
    Yield the mail in pieces, byte for byte, and leave in the reader what follows it.

    Only CRLF ends a line (RFC 5321 section 2.3.8): a dot between bare LFs or CRs is content, so that no sender and
    server before us, who see it otherwise, can make two mails of one. Lines may be longer than the reader's limit. The
    first dot of a line goes (section 4.5.2).
    """
    at_start = True
    while True:
        try:
            piece = await reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as long:
            piece = await reader.read(long.consumed)
        if at_start and piece == END:
            return
        yield piece.removeprefix(b".") if at_start else piece
        at_start = piece.endswith(b"\r\n")
