"""The rows of deliveries whose place is no longer true: their folder was numbered anew, or renamed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from services.domain.renumbering import Former
from services.fetcher import moves
from services.fetcher.deliveries import Database
from services.fetcher.position import Position

_FORMER: LiteralString = (
    "SELECT id, internal_date, size, coalesce(wrapper_sha256, blob_sha256) FROM fetcher.delivery"
    " WHERE source = 'imap' AND mailbox = %(mailbox)s AND folder_id = ANY(%(folders)s)"
    " AND (folder_id, uidvalidity) <> (%(folder)s, %(epoch)s) AND uidvalidity IS NOT NULL"
)
# Each has an index; what was vacated has epoch 0 and so comes first.
_PLACED: tuple[LiteralString, ...] = (" AND uid IS NULL", " AND uid IS NOT NULL")
_ANY: LiteralString = (
    "SELECT FROM fetcher.delivery WHERE source = 'imap' AND mailbox = %(mailbox)s AND folder_id = %(folder)s"
)
_IN_ORDER: LiteralString = " ORDER BY uidvalidity, uid NULLS FIRST, id"


@dataclass(frozen=True, slots=True)
class Moves:
    """
    What becomes of deliveries that are known when others are written: new UIDs in the folder ``at``, or no place.

    A delivery that loses its place to another mail may be the one that another mail turns out to be.
    """

    at: Position | None
    places: Mapping[int, UUID]
    vacated: Sequence[UUID] = ()

    def carry_out(self, connection: Connection[Any]) -> None:
        """Write it, inside a transaction."""
        if self.vacated:
            connection.execute(
                "UPDATE fetcher.delivery SET uidvalidity = 0, uid = NULL, place_version = place_version + 1"
                " WHERE id = ANY(%s)",
                (list(self.vacated),),
            )
            moves.tell(connection, list(self.vacated))
        if self.at is not None and self.places:
            move(connection, self.at, self.places)


def received_at(database: Database, mailbox: str, at: Position, dates: Sequence[datetime]) -> list[Former]:
    """Return the deliveries that lost their place and were received at one of these times, in their former order."""
    return _formers(database, mailbox, at, " AND internal_date = ANY(%(these)s)", list(dates))


def with_content(database: Database, mailbox: str, at: Position, hashes: Sequence[str]) -> list[Former]:
    """Return the deliveries that lost their place and came as one of these mails, in their former order."""
    narrow: LiteralString = (
        " AND (wrapper_sha256 IS NULL AND blob_sha256 = ANY(%(these)s) OR wrapper_sha256 = ANY(%(these)s))"
    )
    return _formers(database, mailbox, at, narrow, [bytes.fromhex(one) for one in hashes])


def _formers(
    database: Database, mailbox: str, at: Position, narrow: LiteralString, these: Sequence[object]
) -> list[Former]:
    given = {
        "mailbox": mailbox, "folder": at.folder_id, "epoch": at.uidvalidity, "these": these,
        "folders": [at.folder_id, *([at.former_id] if at.former_id else [])],
    }  # fmt: skip
    with database.transaction() as connection:
        rows = [row for placed in _PLACED for row in connection.execute(_FORMER + placed + narrow + _IN_ORDER, given)]
    return [_former(*row) for row in rows]


def _former(id_: UUID, received: datetime, size: int, sha256: bytes | None) -> Former:
    return Former(id_, received, size, sha256.hex() if sha256 else "")


def there(
    database: Database, mailbox: str, places: Sequence[tuple[str, int, int]]
) -> dict[tuple[str, int, int], Former]:
    """Return the deliveries at these places: folder id, UIDVALIDITY and UID."""
    with database.alone() as connection:
        rows = connection.execute(
            "SELECT d.folder_id, d.uidvalidity, d.uid, id, internal_date, size, coalesce(wrapper_sha256, blob_sha256)"
            " FROM fetcher.delivery d JOIN unnest(%s::text[], %s::bigint[], %s::bigint[])"
            " AS p(folder_id, uidvalidity, uid) USING (folder_id, uidvalidity, uid)"
            " WHERE mailbox = %s AND d.uid IS NOT NULL",
            (*([place[n] for place in places] for n in range(3)), mailbox),
        ).fetchall()
    return {row[:3]: _former(*row[3:]) for row in rows}


def named(database: Database, mailbox: str, ids: Sequence[UUID]) -> dict[UUID, Former]:
    """Return those deliveries of the mailbox by their ids."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT id, internal_date, size, coalesce(wrapper_sha256, blob_sha256) FROM fetcher.delivery"
            " WHERE id = ANY(%b) AND mailbox = %s",
            (list(ids), mailbox),
        ).fetchall()
    return {row[0]: _former(*row) for row in rows}


def any_in(database: Database, mailbox: str, folder_id: str) -> bool:
    """Whether any mail of the folder was read over IMAP."""
    given = {"mailbox": mailbox, "folder": folder_id}
    with database.alone() as connection:
        return any(connection.execute(_ANY + placed + " LIMIT 1", given).fetchone() is not None for placed in _PLACED)


def placed(database: Database, mailbox: str, at: Position, uids: Sequence[int]) -> frozenset[int]:
    """Return those UIDs of the present epoch that have a delivery."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT uid FROM fetcher.delivery WHERE mailbox = %s AND folder_id = %s AND uidvalidity = %s"
            " AND uid = ANY(%s)",
            (mailbox, at.folder_id, at.uidvalidity, list(uids)),
        ).fetchall()
    return frozenset(row[0] for row in rows)


def move(connection: Connection[Any], at: Position, places: Mapping[int, UUID]) -> None:
    """Give deliveries their new UIDs in the folder, inside a transaction, and tell of it; ids and contents stay."""
    moved = connection.execute(
        "UPDATE fetcher.delivery d SET folder_id = %(folder_id)s, folder = %(folder)s, uidvalidity = %(epoch)s,"
        " uid = n.uid, place_version = d.place_version + 1"
        " FROM unnest(%(ids)s::uuid[], %(uids)s::bigint[]) AS n(id, uid)"
        " WHERE d.id = n.id AND (d.folder_id, d.folder, d.uidvalidity, d.uid)"
        " IS DISTINCT FROM (%(folder_id)s, %(folder)s, %(epoch)s, n.uid) RETURNING d.id",
        {"folder_id": at.folder_id, "folder": at.folder, "epoch": at.uidvalidity,
         "ids": list(places.values()), "uids": list(places)},
    ).fetchall()  # fmt: skip
    moves.tell(connection, [id_ for (id_,) in moved])


def vacate(connection: Connection[Any], mailbox: str, at: Position) -> None:
    """
    Take back the places of an epoch that begins, inside a transaction, and tell of it.

    A server may come back to a number it had before; what lay there then need not lie there now.
    """
    there: LiteralString = (
        "SELECT id FROM fetcher.delivery WHERE mailbox = %(mailbox)s AND folder_id = %(folder)s"
        " AND uidvalidity = %(epoch)s AND uid IS NOT NULL"
    )
    given = {"mailbox": mailbox, "folder": at.folder_id, "epoch": at.uidvalidity}
    for ids in moves.portions(connection, there, given):
        connection.execute(
            "UPDATE fetcher.delivery SET uidvalidity = 0, uid = NULL, place_version = place_version + 1"
            " WHERE id = ANY(%s)",
            (ids,),
        )
        moves.tell(connection, ids)


def rename(connection: Connection[Any], mailbox: str, at: Position) -> None:
    """Give the deliveries of a folder the name that it has now, inside a transaction, and tell of it."""
    others: LiteralString = (
        "SELECT id FROM fetcher.delivery WHERE mailbox = %(mailbox)s AND folder_id = %(folder)s AND uid IS NOT NULL"
        " AND folder <> %(name)s"
    )
    given = {"mailbox": mailbox, "folder": at.folder_id, "name": at.folder}
    for ids in moves.portions(connection, others, given):
        connection.execute(
            "UPDATE fetcher.delivery SET folder = %s, place_version = place_version + 1 WHERE id = ANY(%s)",
            (at.folder, ids),
        )
        moves.tell(connection, ids)
