"""Messages as decisions look at them: what they point at, what they have become, who takes part."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain.correlation import Method
from services.domain.directory import QUEUE, RecordRef
from services.domain.identity import Direction
from services.domain.parties import Role
from services.domain.resolved import Records
from services.domain.spoken import Said
from services.resolver import regardings
from services.resolver.ledger import Filed, Known, Pointed

Connection = psycopg.Connection[Any]


def evidence(connection: Connection, keys: Sequence[UUID]) -> dict[UUID, tuple[Pointed, ...]]:
    """Return what these messages point at."""
    found: dict[UUID, list[Pointed]] = defaultdict(list)
    for child, target, kind, position, value in connection.execute(
        "SELECT child, target, kind, position, coalesce(value, '') FROM resolver.evidence WHERE child = ANY(%b)",
        (list(keys),),
    ):
        found[child].append(Pointed(target, kind, position, value))
    return {child: tuple(pieces) for child, pieces in found.items()}


def known(connection: Connection, keys: Sequence[UUID], targets: Iterable[UUID]) -> dict[UUID, Known]:
    """Return these messages, and those under these ids."""
    if not keys:
        return {}
    rows = connection.execute(
        "SELECT message_key, id_key, coalesce(message_id, ''), graph_version FROM resolver.message"
        " WHERE id_key = ANY(%b) OR message_key = ANY(%b)",
        (list(targets), list(keys)),
    )
    return {row[0]: Known(*row) for row in rows}


def filed(connection: Connection, keys: Sequence[UUID]) -> dict[tuple[UUID, Direction], Filed]:
    """Return the activities of these messages."""
    rows = connection.execute(
        "SELECT id, message_key, direction, version, method, correlated, parent, owner_type, owner_id,"
        " accepted_type, accepted_id, subject, subject_changed, branch,"
        " verified, kind, ARRAY(SELECT queue_id FROM resolver.queue_item q WHERE q.activity_id = activity.id),"
        " regarding_id IS NOT NULL"
        " FROM resolver.activity"
        " WHERE message_key = ANY(%b)",
        (list(keys),),
    ).fetchall()
    found = {}
    hanging = regardings.today(connection, [row[0] for row in rows if row[17]])
    for row in rows:
        activity = Filed(
            activity_id=row[0],
            message_key=row[1],
            direction=Direction(row[2]),
            version=row[3],
            method=Method(row[4]),
            correlated=row[5],
            parent=row[6],
            owner=RecordRef(row[7], row[8]) if row[7] else None,
            acceptor=RecordRef(row[9], row[10]),
            subject=row[11],
            subject_changed=row[12],
            branch=row[13],
            verified=row[14],
            kind=row[15],
            queues=frozenset(RecordRef(QUEUE, name) for name in row[16]),
            regardings=hanging.get(row[0], ()),
        )
        found[activity.message_key, activity.direction] = activity
    return found


def resolved(
    connection: Connection, activities: Mapping[tuple[UUID, Direction], Filed]
) -> tuple[dict[tuple[UUID, Direction], Records], dict[tuple[UUID, Direction], Said]]:
    """Return what the addresses of these activities are resolved to, and which of them by a person's word."""
    if not activities:
        return {}, {}
    places = {filed.activity_id: place for place, filed in activities.items()}
    found: dict[tuple[UUID, Direction], dict[tuple[Role, str], tuple[RecordRef, ...]]] = defaultdict(dict)
    said: dict[tuple[UUID, Direction], dict[tuple[Role, str], UUID]] = defaultdict(dict)
    for activity, role, address, records, resolution in connection.execute(
        "SELECT activity_id, role, address, records, resolution FROM resolver.party"
        " WHERE activity_id = ANY(%b) AND role <> 'owner'",
        (list(places),),
    ):
        found[places[activity]][Role(role), address] = tuple(RecordRef(r["type"], r["id"]) for r in records)
        if resolution is not None:
            said[places[activity]][Role(role), address] = resolution
    return dict(found), dict(said)


def participants(connection: Connection, keys: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """Return the addresses of the parties of these messages, as far as they are filed."""
    if not keys:
        return {}
    rows = connection.execute(
        "SELECT a.message_key, array_agg(DISTINCT p.address) FROM resolver.activity a"
        " JOIN resolver.party p ON p.activity_id = a.id WHERE a.message_key = ANY(%b) AND p.address <> '' GROUP BY 1",
        (list(keys),),
    )
    return {key: frozenset(addresses) for key, addresses in rows}
