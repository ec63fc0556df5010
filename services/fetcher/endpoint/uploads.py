"""
Mails on their way in over HTTPS, read piece by piece: small ones stay in memory, large ones go to the blob store.

An upload is four bytes with the length of its head, the head (:class:`forms.Upload` as JSON), and the bytes of its
mails, one after the other.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from aiohttp import StreamReader

from services.domain.errors import MailweaveError
from services.fetcher.endpoint import forms, refusals
from services.fetcher.endpoint.bodies import checked
from services.fetcher.fetch import BATCH_BYTES, HEADER_LIMIT, PIECE, STREAMED_ABOVE, WriterFactory
from services.fetcher.spooling import Spool, Spooled

LENGTH_BYTES = 4
LARGEST_HEAD = 1024 * 1024
GRACE_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 16 * 1024

T = TypeVar("T")
Run = Callable[[Callable[[], T]], Awaitable[T]]


@asynccontextmanager
async def received(
    body: StreamReader, announced: int | None, limit: int, writer: WriterFactory, run: Run[None]
) -> AsyncIterator[tuple[forms.Upload, list[Spool]]]:
    """
    Give head and mails of an upload that has come whole; ``run`` does in a thread what may wait for a disk.

    At the end nothing is left of what was not finished. ``announced`` is the Content-Length, ``limit`` the size of the
    largest mail that is taken whole. A :class:`refusals.Refusal` says what is wrong with it.
    """
    spools: list[Spool] = []
    try:
        head, length = await _head(body)
        _bounded(head, limit)
        total = length + sum(mail.length for mail in head.mails)
        if announced is not None and announced != total:
            raise refusals.BadRequest(f"Content-Length is {announced}, but head and mails have {total} bytes")
        try:
            async with asyncio.timeout(GRACE_SECONDS + total / SLOWEST_BYTES_PER_SECOND):
                for mail in head.mails:
                    spools.append(Spool(writer))
                    await _mail(body, mail.length, spools[-1], run)
                if await body.read(1):
                    raise refusals.BadRequest("more bytes follow than the head announces")
        except TimeoutError:
            raise refusals.TooSlow(f"less than {SLOWEST_BYTES_PER_SECOND} bytes came in a second") from None
        yield head, spools
    finally:
        for spool in spools:
            with suppress(MailweaveError, OSError):
                spool.abort()


def finished(head: forms.Upload, spools: list[Spool]) -> list[Spooled]:
    """Return the mails, once it is sure that they are those that were announced; blocks."""
    mails = [spool.finish() for spool in spools]
    if any(form.sha256 != mail.sha256 for form, mail in zip(head.mails, mails, strict=True)):
        raise refusals.Damaged("a mail's bytes have another hash than was announced: hand it in again")
    return mails


async def _head(body: StreamReader) -> tuple[forms.Upload, int]:
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            size = int.from_bytes(await body.readexactly(LENGTH_BYTES), "big")
            if size > LARGEST_HEAD:
                raise refusals.TooLarge(f"the head of an upload has at most {LARGEST_HEAD} bytes")
            return checked(forms.Upload, await body.readexactly(size)), LENGTH_BYTES + size
    except TimeoutError:
        raise refusals.TooSlow("the head of the upload did not come") from None
    except asyncio.IncompleteReadError:
        raise refusals.Damaged("the upload ends in its head") from None


def _bounded(head: forms.Upload, limit: int) -> None:
    """Refuse what would not fit into memory, or is not taken whole."""
    for mail in head.mails:
        if mail.length > (2 * HEADER_LIMIT if mail.headers_only else limit):
            raise refusals.TooLarge(f"a mail has {mail.length} bytes; at most {limit} are taken, of headers less")
    if len(head.mails) > 1 and sum(mail.length for mail in head.mails) > BATCH_BYTES:
        raise refusals.TooLarge(f"several mails in one upload have at most {BATCH_BYTES} bytes together")


async def _mail(body: StreamReader, length: int, spool: Spool, run: Run[None]) -> None:
    left = length
    while left:
        piece = await body.read(min(left, PIECE))
        if not piece:
            raise refusals.Damaged("the upload ends in the middle of a mail")
        left -= len(piece)
        if length <= STREAMED_ABOVE:
            spool.write(piece)
        else:
            await run(lambda piece=piece: spool.write(piece))  # type: ignore[misc]
