"""What people have said of who an address of a mail is, and what they can say: for the command line."""

from typing import LiteralString, TypedDict
from uuid import UUID

from psycopg import Connection

from services.storage.reports.activities import timestamp
from services.storage.reports.reading import number, rows


class Resolution(TypedDict):
    """
    One command about who an address is. ``refused`` says why nothing came of it.

    ``record``: TYPE/ID, null where something was taken back. ``everywhere``: of all mail in which the address is
    unresolved. ``here``: said of this mail, else of another one and applied to this. ``taken_back``: by whom.
    """

    kind: str
    address: str
    record: str | None
    everywhere: bool
    here: bool
    author: str
    reason: str
    time: str | None
    refused: str
    taken_back: str | None


_HISTORY: LiteralString = """
    SELECT r.*, r.message_key = %(message)s AS here, b.author AS undone FROM resolver.resolution r
      LEFT JOIN resolver.resolution b ON b.id = r.taken_back
     WHERE r.message_key = %(message)s
        OR r.id IN (SELECT resolution FROM resolver.chosen WHERE message_key = %(message)s)
     ORDER BY r.applied, r.id
"""
_PARTY: LiteralString = """
    SELECT bool_or(p.records = '[]') AS unresolved FROM resolver.party p
     WHERE p.activity_id = %(activity)s AND p.address = %(address)s AND p.role <> 'owner' HAVING count(*) > 0
"""
_SAID: LiteralString = """
    SELECT count(*) FROM resolver.activity a JOIN resolver.chosen c USING (message_key)
      JOIN resolver.resolution r ON r.id = c.resolution
     WHERE a.id = %(activity)s AND r.address = %(address)s AND r.taken_back IS NULL
"""


def history(connection: Connection[object], message: UUID) -> list[Resolution]:
    """Return what was said of a message's addresses, and of all mail where it was applied to this, oldest first."""
    return [
        Resolution(
            kind=row["kind"],
            address=row["address"],
            record=f"{row['record_type']}/{row['record_id']}" if row["record_type"] else None,
            everywhere=row["everywhere"],
            here=row["here"],
            author=row["author"],
            reason=row["reason"],
            time=timestamp(row["applied"]),
            refused=row["refused"],
            taken_back=row["undone"],
        )
        for row in rows(connection, _HISTORY, {"message": message})
    ]


def is_filed(connection: Connection[object], activity: UUID) -> bool:
    """Whether there is an activity of this id."""
    return number(connection, "SELECT count(*) FROM resolver.activity WHERE id = %(id)s", {"id": activity}) > 0


def is_unresolved(connection: Connection[object], activity: UUID, address: str) -> bool | None:
    """Whether nobody is behind an address of an activity; None when nobody in it has the address."""
    found = rows(connection, _PARTY, {"activity": activity, "address": address})
    return bool(found[0]["unresolved"]) if found else None


def is_said(connection: Connection[object], activity: UUID, address: str) -> bool:
    """Whether a person has said who an address of an activity is, and it is not taken back."""
    return number(connection, _SAID, {"activity": activity, "address": address}) > 0


def answer(connection: Connection[object], command: UUID) -> tuple[str, bool] | None:
    """Return why a command was refused, and whether it is about all mail; None while it is not carried out."""
    query: LiteralString = "SELECT refused, everywhere FROM resolver.resolution WHERE id = %(id)s"
    found = rows(connection, query, {"id": command})
    return (found[0]["refused"], found[0]["everywhere"]) if found else None
