"""The rows of deliveries whose place is no longer true: their folder was numbered anew, or renamed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from services.domain.renumbering import Former
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
    return [Former(id_, received, size, sha256.hex() if sha256 else "") for id_, received, size, sha256 in rows]


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
    """Give deliveries their new UIDs in the folder, inside a transaction; ids and contents stay."""
    connection.execute(
        "UPDATE fetcher.delivery d SET folder_id = %s, folder = %s, uidvalidity = %s, uid = n.uid"
        " FROM unnest(%s::uuid[], %s::bigint[]) AS n(id, uid) WHERE d.id = n.id",
        (at.folder_id, at.folder, at.uidvalidity, list(places.values()), list(places)),
    )


def vacate(connection: Connection[Any], mailbox: str, at: Position) -> None:
    """
    Take back the places of an epoch that begins, inside a transaction.

    A server may come back to a number it had before; what lay there then need not lie there now.
    """
    connection.execute(
        "UPDATE fetcher.delivery SET uidvalidity = 0, uid = NULL WHERE mailbox = %s AND folder_id = %s"
        " AND uidvalidity = %s AND uid IS NOT NULL",
        (mailbox, at.folder_id, at.uidvalidity),
    )
