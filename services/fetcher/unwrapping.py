"""The mails of a forward mailbox on their way in: each becomes the messages that were forwarded in it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from services import mime
from services.domain.forwarding import wrapper_of
from services.domain.identity import delivery_id_enclosed
from services.domain.message import Message
from services.fetcher.fetch import HEADER_LIMIT
from services.fetcher.handover import Arrival, Blobs, Content, HeadersOnly, Stored
from services.fetcher.spooling import spool_file


class _Enclosed(NamedTuple):
    content: Content | Stored
    size: int


def unwrap(arrivals: Sequence[Arrival], blobs: Blobs) -> list[Arrival]:
    """
    Return the messages in these mails, as arrivals of their own; a mail without one stays as it is, and says so.

    The first message of a mail keeps its delivery id and its place, so that the place has been read; each arrives when
    the mail did. The mails themselves are durable in the blob store when this returns.
    """
    raws = [a.content.raw for a in arrivals if isinstance(a.content, Content)]
    stored = iter(blobs.put_many(raws) if raws else [])
    found: list[Arrival] = []
    for arrival in arrivals:
        sha = next(stored) if isinstance(arrival.content, Content) else ""
        found.extend(_unwrapped(arrival, sha, blobs))
    return found


def _unwrapped(arrival: Arrival, sha: str, blobs: Blobs) -> Iterator[Arrival]:
    match arrival.content:
        case Content(raw):
            mail = mime.parse_headers(raw)
            messages = [_Enclosed(Content(one), len(one)) for one in mime.enclosed(raw)]
        case Stored(sha):
            mail, messages = _in_file(blobs.path(sha), blobs)
        case HeadersOnly(raw):
            mail, messages = mime.parse_headers(raw), []
    wrapper = wrapper_of(mail, messages=len(messages), blob_sha256=sha if messages else "")
    if not messages:
        yield replace(arrival, wrapper=wrapper)
    for ordinal, message in enumerate(messages):
        yield replace(
            arrival,
            id=delivery_id_enclosed(arrival.id, ordinal),
            uidvalidity=None if ordinal else arrival.uidvalidity,
            uid=None if ordinal else arrival.uid,
            internal_date=arrival.internal_date or mail.date,
            size=message.size,
            content=message.content,
            wrapper=wrapper,
        )


def _in_file(path: Path, blobs: Blobs) -> tuple[Message, list[_Enclosed]]:
    """Read a mail that is too large for memory; the messages in it go to the blob store in pieces."""
    messages = []
    with path.open("rb") as file:
        mail = mime.parse_headers(file.read(HEADER_LIMIT))
    with TemporaryDirectory(prefix="mailweave-forwarded-") as room:
        for one in mime.enclosed_file(path, Path(room)):
            with one.open("rb") as file:
                spooled = spool_file(file, blobs.writer)
            messages.append(_Enclosed(spooled.content, spooled.size))
    return mail, messages
