"""Addresses of filed mail that no record is behind, those of the newest mail first."""

from typing import Any, LiteralString, NamedTuple, TypedDict

from psycopg import Connection

from services.storage.reports.activities import timestamp
from services.storage.reports.reading import rows

LOOKED_AT = 100
"""How many of the newest unresolved parties are looked through for each address that is asked for."""
MOST_COUNTED = 1_000
"""Up to here the activities of an address are counted: a newsletter's would take longer than the rest."""


class Unresolved(TypedDict):
    """
    An address, how many activities it takes part in, and the newest of them.

    ``more``: there are more activities than ``activities`` says. ``latest`` is null where no mail has a date.
    """

    address: str
    activities: int
    more: bool
    latest: str | None
    latest_activity_id: str


class Waiting(TypedDict):
    """One activity in which an address is unresolved."""

    activity_id: str
    sent_at: str | None
    direction: str
    subject: str


class Page(NamedTuple):
    """Some addresses; ``older`` where there are more, or may be: a flood of one address hides those before it."""

    addresses: list[Unresolved]
    older: bool


NEWEST: LiteralString = """
    WITH looked_at AS MATERIALIZED (
        SELECT id, sent_at, activity_id FROM resolver.taking_part
         WHERE type = '' ORDER BY sent_at DESC, id DESC, activity_id DESC LIMIT %(looked_at)s
    ), listed AS (
        SELECT DISTINCT ON (id) id, sent_at, activity_id FROM looked_at ORDER BY id, sent_at DESC, activity_id DESC
    ), shown AS (
        SELECT * FROM listed ORDER BY sent_at DESC, id LIMIT %(limit)s
    )
    SELECT s.id, nullif(s.sent_at, '-infinity') AS latest, s.activity_id, (SELECT count(*) FROM looked_at) AS looked_at,
           (SELECT count(*) FROM (SELECT FROM resolver.taking_part t
                                   WHERE t.type = '' AND t.id = s.id LIMIT %(counted)s + 1) AS those) AS activities
      FROM shown s ORDER BY s.sent_at DESC, s.id
"""
OF_ADDRESS: LiteralString = """
    SELECT a.id, a.sent_at, a.direction, a.subject FROM resolver.taking_part t
      JOIN resolver.activity a ON a.id = t.activity_id
     WHERE t.type = '' AND t.id = %(address)s ORDER BY t.sent_at DESC, t.activity_id DESC LIMIT %(limit)s
"""


def values(limit: int) -> dict[str, object]:
    """Return what :data:`NEWEST` is asked with; one address more than wanted tells whether there are more."""
    return {"looked_at": LOOKED_AT * limit, "counted": MOST_COUNTED, "limit": limit + 1}


def newest(connection: Connection[Any], limit: int) -> Page:
    """Return unresolved addresses, those of the newest mail first."""
    found = rows(connection, NEWEST, values(limit))
    looked_at = found[0]["looked_at"] if found else 0
    return Page([_unresolved(row) for row in found[:limit]], len(found) > limit or looked_at >= LOOKED_AT * limit)


def of_address(connection: Connection[Any], address: str, limit: int) -> list[Waiting]:
    """Return the newest activities in which a normalised address is unresolved."""
    return [
        Waiting(
            activity_id=str(row["id"]),
            sent_at=timestamp(row["sent_at"]),
            direction=row["direction"],
            subject=row["subject"],
        )
        for row in rows(connection, OF_ADDRESS, {"address": address, "limit": limit})
    ]


def _unresolved(row: dict[str, Any]) -> Unresolved:
    return Unresolved(
        address=row["id"],
        activities=min(row["activities"], MOST_COUNTED),
        more=row["activities"] > MOST_COUNTED,
        latest=timestamp(row["latest"]),
        latest_activity_id=str(row["activity_id"]),
    )
