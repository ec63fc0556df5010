"""The records that activities hang off, as stored: since when, by whom and why, and until when."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain.directory import RecordRef
from services.domain.regardings import Regarding, Regardings, Source
from services.resolver.ledger import Filed

Connection = psycopg.Connection[Any]

_NOW = """
    SELECT activity_id, type, id, source, author, why FROM resolver.regarding
    WHERE activity_id = ANY(%b) AND until IS NULL ORDER BY activity_id, position
"""
# The last word counts: what a person has taken away may have been given again.
_TAKEN_AWAY = """
    SELECT r.activity_id, r.type, r.id FROM resolver.regarding r
    WHERE r.message_key = ANY(%b) AND r.ended = 'person' AND r.number = (
        SELECT max(l.number) FROM resolver.regarding l
        WHERE l.activity_id = r.activity_id AND l.type = r.type AND l.id = r.id)
"""
# What a person has filed the other one under, by hand, stays.
_HAND_OVER = """
    INSERT INTO resolver.regarding (activity_id, message_key, type, id, position, source, author, why, since, sent_at,
        until, ended, ended_by, ended_why)
    SELECT a.id, a.message_key, r.type, r.id, r.position, r.source, r.author, r.why, r.since, r.sent_at,
        r.until, r.ended, r.ended_by, r.ended_why
    FROM unnest(%b::uuid[], %b::uuid[]) AS e (ended, into_)
    JOIN resolver.activity a ON a.id = e.into_
    JOIN resolver.regarding r ON r.activity_id = e.ended AND r.ended = 'person' AND r.number = (
        SELECT max(l.number) FROM resolver.regarding l
        WHERE l.activity_id = r.activity_id AND l.type = r.type AND l.id = r.id)
    WHERE NOT EXISTS (
        SELECT FROM resolver.regarding m WHERE m.activity_id = a.id AND m.type = r.type AND m.id = r.id
        AND m.source = 'manual' AND m.until IS NULL)
    ORDER BY r.number RETURNING message_key
"""
_FIRST = "UPDATE resolver.activity SET regarding_type = %b, regarding_id = %b, regarding_source = %b WHERE id = %b"
_GIVEN = """
    unnest(%(activities)b::uuid[], %(messages)b::uuid[], %(types)b::text[], %(ids)b::text[], %(positions)b::int[],
           %(sources)b::text[], %(authors)b::text[], %(whys)b::text[])
    AS g (activity_id, message_key, type, id, position, source, author, why)
"""
_END = f"""
    UPDATE resolver.regarding r SET until = now(), ended = %(ended)b, ended_by = %(by)b, ended_why = %(reason)b
    WHERE r.activity_id = ANY(%(all)b) AND r.until IS NULL AND NOT EXISTS (
        SELECT FROM {_GIVEN} WHERE g.activity_id = r.activity_id AND g.type = r.type AND g.id = r.id
        AND g.source = r.source AND g.author = r.author AND g.why = r.why)
"""  # noqa: S608 - constants
_BEGIN = f"""
    INSERT INTO resolver.regarding (activity_id, message_key, type, id, position, source, author, why, sent_at)
    SELECT g.*, coalesce(a.sent_at, '-infinity') FROM {_GIVEN} JOIN resolver.activity a ON a.id = g.activity_id
    ORDER BY g.activity_id, g.position
    ON CONFLICT (activity_id, type, id) WHERE until IS NULL DO UPDATE SET position = excluded.position
    WHERE regarding.position <> excluded.position
"""  # noqa: S608 - constants


def today(connection: Connection, activities: Sequence[UUID]) -> dict[UUID, Regardings]:
    """Return what these activities hang off."""
    if not activities:
        return {}
    found: dict[UUID, list[Regarding]] = defaultdict(list)
    for activity, kind, name, source, author, why in connection.execute(_NOW.encode(), (list(activities),)):
        found[activity].append(Regarding(RecordRef(kind, name), Source(source), author, why))
    return {activity: tuple(some) for activity, some in found.items()}


def taken_away(connection: Connection, message_keys: Sequence[UUID]) -> dict[UUID, frozenset[RecordRef]]:
    """Return the records that people have taken away from the activities of these messages, by activity."""
    found: dict[UUID, set[RecordRef]] = defaultdict(set)
    for activity, kind, name in connection.execute(_TAKEN_AWAY.encode(), (list(message_keys),)):
        found[activity].add(RecordRef(kind, name))
    return {activity: frozenset(refs) for activity, refs in found.items()}


def write(
    connection: Connection, activities: Iterable[Filed], *, ended: str = "changed", by: str = "", why: str = ""
) -> None:
    """Let stored activities hang off what these say; what is not among it has ``ended`` so, ``by`` whom and ``why``."""
    given = sorted(activities, key=lambda filed: filed.activity_id)
    if not given:
        return
    rows = [(filed, place, one) for filed in given for place, one in enumerate(filed.regardings)]
    values: Mapping[str, Any] = {
        "all": [filed.activity_id for filed in given],
        "activities": [filed.activity_id for filed, _, _ in rows],
        "messages": [filed.message_key for filed, _, _ in rows],
        "types": [one.record.type for _, _, one in rows],
        "ids": [one.record.id for _, _, one in rows],
        "positions": [place for _, place, _ in rows],
        "sources": [one.source for _, _, one in rows],
        "authors": [one.author for _, _, one in rows],
        "whys": [one.why for _, _, one in rows],
        "ended": ended,
        "by": by,
        "reason": why,
    }
    connection.execute(_END.encode(), values)
    connection.execute(_BEGIN.encode(), values)


def replace_all(
    connection: Connection, activities: Iterable[Filed], *, ended: str = "changed", by: str = "", why: str = ""
) -> None:
    """Do the same where the activities themselves are not written: the first regarding also stands in them."""
    given = list(activities)
    for filed in given:
        first = next(iter(filed.regardings), None)
        values = (first.record.type, first.record.id, first.source) if first else (None, None, None)
        connection.execute(_FIRST.encode(), (*values, filed.activity_id))
    write(connection, given, ended=ended, by=by, why=why)


def withdraw(connection: Connection, activities: Sequence[UUID]) -> None:
    """Note that these activities are no more."""
    connection.execute(
        "UPDATE resolver.regarding SET until = now(), ended = 'withdrawn'"
        " WHERE activity_id = ANY(%b) AND until IS NULL",
        (list(activities),),
    )


def hand_over(connection: Connection, ended: Mapping[UUID, UUID]) -> None:
    """
    Let what people have taken away from activities stay away from those in which they end, given by their ids.

    A job decides these again, and what answers them: they may hang off it by their folder, or by what they answer.
    """
    rows = connection.execute(_HAND_OVER.encode(), (list(ended), list(ended.values()))).fetchall()
    if rows:
        connection.execute(
            "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', %s, 'regarding')",
            (sorted({key for (key,) in rows}),),
        )
