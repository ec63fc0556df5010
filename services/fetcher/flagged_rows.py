"""The rows of mail that people have flagged: how far each folder was looked at, which deliveries are tracked by it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from services.fetcher import former_places
from services.fetcher.cursor import hold
from services.fetcher.deliveries import OWNER, Database, Delivery, insert, signals_of
from services.fetcher.position import Position
from services.runtime import signals


class Taken(NamedTuple):
    """A delivery that was handed over, and what made it tracked then."""

    id: UUID
    tracked_by: str


def look(database: Database, mailbox: str, fence: int, folder_id: str, at: tuple[int, int]) -> None:
    """Note a look. Raises ``FenceLost`` and writes nothing when outrun."""
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        connection.execute(
            "INSERT INTO fetcher.flagged (mailbox, folder_id, uidvalidity, modseq) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (mailbox, folder_id) DO UPDATE SET uidvalidity = excluded.uidvalidity,"
            " modseq = excluded.modseq",
            (mailbox, folder_id, *at),
        )


def at_places(database: Database, mailbox: str, at: Position, uids: Sequence[int]) -> dict[int, Taken]:
    """Return the deliveries of these UIDs."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT uid, id, tracked_by FROM fetcher.delivery WHERE mailbox = %s AND folder_id = %s"
            " AND uidvalidity = %s AND uid = ANY(%s)",
            (mailbox, at.folder_id, at.uidvalidity, list(uids)),
        ).fetchall()
    return {uid: Taken(id_, tracked_by) for uid, id_, tracked_by in rows}


def tracked(database: Database, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return those deliveries that were handed over as tracked."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT id FROM fetcher.delivery WHERE id = ANY(%s) AND tracked_by <> ''", (list(ids),)
        ).fetchall()
    return frozenset(row[0] for row in rows)


def take(
    database: Database,
    mailbox: str,
    fence: int,
    deliveries: Sequence[Delivery],
    *,
    at: Position,
    places: Mapping[int, UUID],
) -> None:
    """Write deliveries as tracked, those that were written before too. Raises ``FenceLost`` when outrun."""
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        former_places.move(connection, at, places)
        insert(connection, deliveries)
        connection.execute(
            "UPDATE fetcher.delivery d SET tracked_by = n.by FROM unnest(%s::uuid[], %s::text[]) AS n(id, by)"
            " WHERE d.id = n.id",
            ([d.id for d in deliveries], [d.tracked_by for d in deliveries]),
        )
        signals.append(connection, OWNER, signals_of(deliveries))
