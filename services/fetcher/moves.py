"""
The event that a delivery lies elsewhere now: its folder was renamed or numbered anew. Its id never changes.

It is written in the transaction that changes the place, which holds the mailbox, so the events of a delivery come in
the order of their versions.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from services import contracts
from services.fetcher.deliveries import OWNER
from services.storage import outbox

TOPIC = "delivery-moved"
PORTION = 2000  # a folder may have a million mails


def tell(connection: Connection[Any], ids: Sequence[UUID]) -> None:
    """Append the events of deliveries whose place and its version were changed, in the transaction of the change."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "SELECT id, place_version, mailbox, folder_id, folder, uidvalidity, uid FROM fetcher.delivery"
            " WHERE id = ANY(%b) ORDER BY id",
            (list(ids),),
        ).fetchall()
    now = datetime.now(UTC)
    outbox.append(connection, OWNER, [_event(row, now) for row in rows])


def portions(connection: Connection[Any], query: LiteralString, given: Mapping[str, object]) -> Iterator[list[UUID]]:
    """Yield the ids that a query selects as it is run now, some at a time; they may be changed meanwhile."""
    with connection.cursor(name="moving") as cursor:
        cursor.execute(query, given)
        while rows := cursor.fetchmany(PORTION):
            yield [id_ for (id_,) in rows]


def _event(row: Mapping[str, Any], now: datetime) -> outbox.OutboxRow:
    value = contracts.encode(
        "DeliveryMoved",
        {
            "delivery_id": str(row["id"]),
            "version": row["place_version"],
            "mailbox": row["mailbox"],
            "folder_id": row["folder_id"],
            "folder": row["folder"],
            "uidvalidity": row["uidvalidity"] if row["uid"] is not None else None,
            "uid": row["uid"],
            "moved_at": now,
        },
    )
    return outbox.OutboxRow(TOPIC, str(row["id"]).encode(), value)
