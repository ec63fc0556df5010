"""The rows that say what was handed over: one per delivery."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from psycopg import Connection

from services.domain.alert_signals import UNPARSED, of_forward, of_unparsed
from services.domain.alerts import Signal
from services.domain.forwarding import Wrapper, unusual
from services.domain.message import ParseOutcome
from services.runtime import signals
from services.storage.inserting import upsert

OWNER = "fetcher"
BEFORE_START = "BeforeStartDate"
_PASSED = ("id", "mailbox", "folder_id", "uidvalidity", "uid", "received", "reason")


class Database(Protocol):
    """A database that gives transactions; the true one is :class:`services.storage.postgres.Database`."""

    def transaction(self) -> AbstractContextManager[Connection[Any]]:
        """Give a connection inside BEGIN … COMMIT."""

    def alone(self) -> AbstractContextManager[Connection[Any]]:
        """Give a connection whose statements are each committed by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A row of ``fetcher.delivery``; ``uidvalidity`` and ``uid`` are None for mail that came otherwise than by IMAP."""

    id: UUID
    source: str
    mailbox: str
    folder_id: str
    folder: str
    uidvalidity: int | None
    uid: int | None
    internal_date: datetime
    blob_sha256: str
    size: int
    outcome: ParseOutcome = ParseOutcome.FULL
    tracked_by: str = ""
    wrapper: Wrapper | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """
    A mail that was seen and not taken because it is older than the start date.

    Its place is UIDVALIDITY and UID; with POP3 these are None and ``uidl`` is what its id was made of.
    """

    id: UUID
    mailbox: str
    folder_id: str
    uidvalidity: int | None
    uid: int | None
    received: datetime
    uidl: str | None = None


def pass_over(database: Database, mails: Sequence[Passed]) -> None:
    """Note mails that are not taken; what is noted already stays as it is."""
    rows = [(m.id, m.mailbox, m.folder_id, m.uidvalidity, m.uid, m.received, BEFORE_START) for m in mails]
    with database.transaction() as connection:
        upsert(connection, "fetcher.passed", _PASSED, rows, key=("id",))


def add(database: Database, deliveries: Sequence[Delivery]) -> None:
    """Write the deliveries of mail that has no cursor; those that exist stay as they are."""
    with database.transaction() as connection:
        insert(connection, deliveries)
        signals.append(connection, OWNER, signals_of(deliveries))


def handled(database: Database, ids: Sequence[UUID], mailboxes: Collection[str]) -> frozenset[UUID]:
    """Return those of these mailboxes that are written already, as taken or as passed over."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT id FROM fetcher.delivery WHERE id = ANY(%(ids)b) AND mailbox = ANY(%(mailboxes)s)"
            " UNION SELECT id FROM fetcher.passed WHERE id = ANY(%(ids)b) AND mailbox = ANY(%(mailboxes)s)",
            {"ids": list(ids), "mailboxes": list(mailboxes)},
        ).fetchall()
    return frozenset(row[0] for row in rows)


def stored(database: Database, mailbox: str, ids: Sequence[UUID]) -> dict[UUID, str]:
    """
    Return the SHA-256 (hex) of the raw mail of those deliveries of a mailbox whose raw mail was stored.

    It is that of the mail on the server: of the one around a message that was forwarded as an attachment.
    """
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT id, coalesce(wrapper_sha256, blob_sha256) FROM fetcher.delivery"
            " WHERE id = ANY(%b) AND mailbox = %s AND blob_sha256 IS NOT NULL",
            (list(ids), mailbox),
        ).fetchall()
    return {id_: sha256.hex() for id_, sha256 in rows}


_COLUMNS = (
    "id", "source", "mailbox", "folder_id", "folder", "uidvalidity", "uid", "internal_date", "blob_sha256", "size",
    "tracked_by", "wrapper_sha256",
)  # fmt: skip


def insert(connection: Connection[Any], deliveries: Sequence[Delivery]) -> None:
    """Write deliveries inside a transaction; one that exists, by id or by place, stays as it is."""
    rows = [
        (d.id, d.source, d.mailbox, d.folder_id, d.folder, d.uidvalidity, d.uid, d.internal_date,
         bytes.fromhex(d.blob_sha256) or None, d.size, d.tracked_by,
         bytes.fromhex(d.wrapper.blob_sha256) or None if d.wrapper else None)
        for d in deliveries
    ]  # fmt: skip
    upsert(connection, "fetcher.delivery", _COLUMNS, rows, key=("id",), any_constraint=True)


def signals_of(deliveries: Sequence[Delivery]) -> list[Signal]:
    """Return one signal for each mailbox and each thing to be told of its mails: not read in full, or not forwarded."""
    now = datetime.now(UTC)
    last = {d.mailbox: d for d in deliveries if d.outcome in UNPARSED}
    said = [of_unparsed(m, detail=f"delivery {d.id}: {d.outcome.value}", at=now) for m, d in last.items()]
    forwarded = {
        (d.mailbox, code): d
        for d in deliveries
        if d.wrapper is not None and d.outcome is not ParseOutcome.TOO_LARGE and (code := unusual(d.wrapper))
    }
    return said + [
        of_forward(mailbox, code, detail=f"delivery {d.id}", at=now) for (mailbox, code), d in forwarded.items()
    ]
