"""
The order that is the guarantee, for mail from servers, pushed and imported mail alike.

1. the raw mails are durable in the blob store;
2. the records are acknowledged by Kafka;
3. delivery rows and cursor are committed;
4. only then may anything be deleted on the server.

A crash in between hands the same deliveries over again under the same ids, which is harmless downstream.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from services import contracts, mime
from services.contracts.received import Found, to_record
from services.domain.forwarding import Wrapper
from services.domain.identity import identity
from services.domain.message import Message, ParseOutcome
from services.fetcher.deliveries import Delivery
from services.fetcher.fetch import BlobWriter
from services.fetcher.shortening import shortened
from services.runtime import metrics
from services.runtime.crash import crash_point
from services.storage.outbox import OutboxRow

TOPIC = "mail-received"
LARGEST_RECORD = 6 * 1024 * 1024  # Kafka takes 8


class Blobs(Protocol):
    """The blob store; the true one is :class:`services.storage.blobs.BlobFolder`."""

    def put_many(self, contents: list[bytes], /) -> list[str]:
        """Make contents durable and return their SHA-256."""

    def writer(self) -> BlobWriter:
        """Begin a blob that comes in pieces."""

    def path(self, sha: str, /) -> Path:
        """Return where a blob lies."""


Send = Callable[[list[OutboxRow]], object]
"""Returns when Kafka has acknowledged every record; the true one is ``Producer.send_all``."""


@dataclass(frozen=True, slots=True)
class Content:
    """A raw mail that is not stored yet."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """A raw mail that is in the blob store already, by SHA-256."""

    sha256: str


@dataclass(frozen=True, slots=True)
class HeadersOnly:
    """The header block of a mail over the limit for whole messages; nothing is stored."""

    raw: bytes


Parse = Callable[[Content | Stored | HeadersOnly, Blobs], Message]
"""Parses a mail; the true one is :func:`read`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """
    A mail found in one place, on its way in. ``backfill`` marks mail that is not new to the world.

    ``uidl`` is what its id was made of when it came by POP3; ``wrapper`` the mail that a forward mailbox received
    around it.
    """

    id: UUID
    source: str
    mailbox: str
    folder_id: str
    folder: str
    folder_role: str
    uidvalidity: int | None
    uid: int | None
    internal_date: datetime | None
    size: int
    content: Content | Stored | HeadersOnly
    backfill: bool = False
    uidl: str | None = None
    tracked_by: str = ""
    wrapper: Wrapper | None = None


def read(content: Content | Stored | HeadersOnly, blobs: Blobs) -> Message:
    """Parse a mail as it came; one that is stored is read from the blob store."""
    match content:
        case Content(raw):
            return mime.parse(raw)
        case Stored(sha256):
            return mime.parse_file(blobs.path(sha256))
        case HeadersOnly(raw):
            return mime.parse_headers(raw, outcome=ParseOutcome.TOO_LARGE)


def hand_over(
    arrivals: Sequence[Arrival],
    *,
    blobs: Blobs,
    send: Send,
    commit: Callable[[list[Delivery]], None],
    now: datetime,
    parse: Parse = read,
) -> list[Message]:
    """
    Hand mails over, all or none, and return how they read. Blocks until ``commit`` has returned.

    ``now`` stands in for the internal date of mail that has neither one nor a Date. Whatever is raised, the
    cursor has not moved, and the same call may be made again.
    """
    contents = [a.content.raw for a in arrivals if isinstance(a.content, Content)]
    with metrics.step("fetcher", "store"):
        stored = iter(blobs.put_many(contents) if contents else [])
    shas = [next(stored) if isinstance(a.content, Content) else _sha(a.content) for a in arrivals]
    crash_point("fetcher.blobs_stored")
    messages: list[Message] = []
    rows: list[OutboxRow] = []
    deliveries: list[Delivery] = []
    with metrics.step("fetcher", "parse"):
        for arrival, sha in zip(arrivals, shas, strict=True):
            message = parse(arrival.content, blobs)
            messages.append(message)
            date = arrival.internal_date or message.date or now
            rows.append(_record(arrival, message, sha, date))
            deliveries.append(_delivery(arrival, message, sha, date))
    with metrics.step("fetcher", "send"):
        if rows:
            send(rows)
    crash_point("fetcher.acknowledged")
    with metrics.step("fetcher", "commit"):
        commit(deliveries)
    crash_point("fetcher.committed")
    return messages


def _sha(content: Stored | HeadersOnly) -> str:
    return content.sha256 if isinstance(content, Stored) else ""


def _delivery(arrival: Arrival, message: Message, sha: str, date: datetime) -> Delivery:
    return Delivery(
        id=arrival.id,
        source=arrival.source,
        mailbox=arrival.mailbox,
        folder_id=arrival.folder_id,
        folder=arrival.folder,
        uidvalidity=arrival.uidvalidity,
        uid=arrival.uid,
        internal_date=date,
        blob_sha256=sha,
        size=arrival.size,
        outcome=message.outcome,
        tracked_by=arrival.tracked_by,
        wrapper=arrival.wrapper,
    )


def _record(arrival: Arrival, message: Message, sha: str, date: datetime) -> OutboxRow:
    own = identity(message)
    found = Found(
        delivery_id=arrival.id,
        source=arrival.source,
        mailbox=arrival.mailbox,
        folder=arrival.folder,
        folder_role=arrival.folder_role,
        uidvalidity=arrival.uidvalidity,
        uid=arrival.uid,
        internal_date=date,
        blob_sha256=sha,
        size=arrival.size,
        tracked_by=arrival.tracked_by,
        wrapper=arrival.wrapper,
    )
    value = contracts.encode("MailReceived", to_record(message, identity=own, found=found))
    if len(value) > LARGEST_RECORD:
        # The identity is that of the whole message; what is left out here can be read from the blob.
        value = contracts.encode("MailReceived", to_record(shortened(message), identity=own, found=found))
    headers = {"origin-time": date.astimezone(UTC).isoformat(), "traceparent": _trace(arrival.id)}
    if arrival.backfill:
        headers["backfill"] = "1"
    return OutboxRow(TOPIC, own.message_id.encode("utf-8", "replace"), value, headers)


def _trace(delivery: UUID) -> str:
    """Return a trace context made of the delivery id, so that a redelivery continues the same trace."""
    return f"00-{delivery.hex}-{delivery.hex[16:]}-01"
