"""What is kept and known that tells why a mail does not have the record that a person expects."""

from collections.abc import Iterable
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection

from services.domain.directory import RecordRef
from services.domain.parties import Party, Role
from services.domain.regardings import Regarding, Source
from services.domain.why_not.facts import Filed, Pointed
from services.storage.reports.reading import number, rows


class Listed(NamedTuple):
    """A record of the directory; ``active`` is None when it has none, or no longer."""

    active: bool | None
    addresses: tuple[str, ...]


class Activity(NamedTuple):
    """An activity, and the id of the message that it answers."""

    filed: Filed
    answers: str | None


_RECORD: LiteralString = """
    SELECT r.active, array_remove(array_agg(a.address ORDER BY a.address), NULL) AS addresses
      FROM resolver.directory_record r LEFT JOIN resolver.directory_address a USING (type, id)
     WHERE r.type = %(type)s AND r.id = %(id)s AND NOT r.deleted GROUP BY r.type, r.id, r.active
"""
_USED: LiteralString = """
    SELECT (EXISTS (SELECT FROM resolver.regarding WHERE type = %(type)s AND id = %(id)s)
         OR EXISTS (SELECT FROM resolver.decision
                     WHERE current AND accepted_type = %(type)s AND accepted_id = %(id)s))::integer
"""
_ACTIVITY: LiteralString = """
    SELECT a.accepted_type, a.accepted_id, m.message_id AS answers
      FROM resolver.activity a
      LEFT JOIN resolver.activity c ON c.id = a.correlated
      LEFT JOIN resolver.message m ON m.message_key = c.message_key
     WHERE a.id = %(id)s
"""
_REGARDINGS: LiteralString = """
    SELECT type, id, source, author, why, until IS NULL AS now,
           ended = 'person' AND number = max(number) OVER (PARTITION BY type, id) AS taken_away
      FROM resolver.regarding WHERE activity_id = %(id)s ORDER BY position, number
"""
_PARTIES: LiteralString = """
    SELECT role, address, name, records FROM resolver.party WHERE activity_id = %(id)s ORDER BY role, position
"""
_POINTED: LiteralString = """
    SELECT m.message_id, a.id, (
           SELECT coalesce(jsonb_agg(jsonb_build_object('type', r.type, 'id', r.id) ORDER BY r.position), '[]')
             FROM resolver.regarding r WHERE r.activity_id = a.id AND r.until IS NULL) AS regardings
      FROM resolver.message m LEFT JOIN resolver.activity a USING (message_key)
     WHERE m.id_key = ANY(%(ids)s) AND m.message_id IS NOT NULL ORDER BY m.message_id, a.direction
"""
_MESSAGE_OF: LiteralString = """
    SELECT m.message_id FROM resolver.message m
     WHERE m.message_key IN (SELECT message_key FROM resolver.activity WHERE id = %(id)s
                             UNION SELECT message_key FROM resolver.delivery WHERE id = %(id)s)
"""


def listed(connection: Connection[Any], ref: RecordRef) -> Listed:
    """Return a record as the directory has it."""
    found = rows(connection, _RECORD, {"type": ref.type, "id": ref.id})
    return Listed(found[0]["active"], tuple(found[0]["addresses"])) if found else Listed(None, ())


def is_used(connection: Connection[Any], ref: RecordRef) -> bool:
    """Whether any mail is filed under a record, or accepted for it."""
    return number(connection, _USED, {"type": ref.type, "id": ref.id}) > 0


def activity(connection: Connection[Any], name: str | None) -> Activity | None:
    """Return an activity with its parties; None where there is none, or it is no more."""
    found = rows(connection, _ACTIVITY, {"id": name}) if name is not None else []
    if not found:
        return None
    (row,) = found
    parties = tuple(
        Party(Role(one["role"]), one["address"], one["name"], tuple(RecordRef(**ref) for ref in one["records"]))
        for one in rows(connection, _PARTIES, {"id": name})
    )
    said = rows(connection, _REGARDINGS, {"id": name})
    filed = Filed(
        acceptor=RecordRef(row["accepted_type"], row["accepted_id"]),
        regardings=tuple(
            Regarding(RecordRef(one["type"], one["id"]), Source(one["source"]), one["author"], one["why"])
            for one in said
            if one["now"]
        ),
        parties=parties,
        taken_away=frozenset(RecordRef(one["type"], one["id"]) for one in said if one["taken_away"]),
    )
    return Activity(filed, row["answers"])


def pointed(connection: Connection[Any], ids: Iterable[UUID]) -> tuple[Pointed, ...]:
    """Return the messages under these keyed ids, as they are filed today: one for each of their activities."""
    return tuple(
        Pointed(
            row["message_id"],
            row["id"] is not None,
            tuple(RecordRef(**ref) for ref in row["regardings"]),
        )
        for row in rows(connection, _POINTED, {"ids": list(ids)})
    )


def message_of(connection: Connection[Any], name: UUID) -> str | None:
    """Return the Message-ID of the activity or delivery with this id, if there is one."""
    found = rows(connection, _MESSAGE_OF, {"id": name})
    return found[0]["message_id"] if found else None
