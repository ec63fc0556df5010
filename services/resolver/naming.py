"""Under which other names messages are stored, and which ones stand above them by their Thread-Index."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain.evidence import Kind
from services.domain.identity import Direction
from services.domain.thread_index import nearness

Connection = psycopg.Connection[Any]

MOST_ABOVE = 20
"""Mails above one by Thread-Index that are looked at: so many that it answers, and so many before it."""
MOST_NAMES = 20
"""Mails under one other name, or one content, that are looked at: whoever sends more of them gains nothing by it."""

# Look-ups by LATERAL … OFFSET 0: a plan that was cached while the tables were empty would else scan them for ever.
_ALIASES = """
    SELECT e.target, e.child FROM unnest(%b::uuid[]) AS u (id)
    CROSS JOIN LATERAL (
        SELECT target, child FROM resolver.evidence WHERE target = u.id AND kind = 'alias'
        ORDER BY child LIMIT %s) AS e
    ORDER BY e.child
"""
_COPIES = """
    SELECT mine.child, other.child FROM unnest(%b::uuid[]) AS u (key)
    CROSS JOIN LATERAL (
        SELECT child, target FROM resolver.evidence WHERE child = u.key AND kind = 'copy' OFFSET 0) AS mine
    CROSS JOIN LATERAL (
        SELECT child FROM resolver.evidence
        WHERE target = mine.target AND kind = 'copy' AND child <> mine.child ORDER BY child LIMIT %s) AS other
    ORDER BY other.child
"""
# Each half is a walk along the index of places.
_ABOVE = """
    SELECT u.child, e.child, e.value FROM unnest(%b::uuid[], %b::uuid[], %b::text[]) AS u (child, root, mine)
    CROSS JOIN LATERAL (
        (SELECT a.child, a.value FROM resolver.evidence a
         WHERE a.target = u.root AND a.kind = 'thread_index' AND a.value COLLATE "C" = ANY (ARRAY(
             SELECT left(u.mine, n) FROM generate_series(44, length(u.mine) - 10, 10) AS n))
         ORDER BY a.value COLLATE "C" DESC LIMIT %s)
        UNION
        (SELECT b.child, b.value FROM resolver.evidence b
         WHERE b.target = u.root AND b.kind = 'thread_index' AND b.value COLLATE "C" < u.mine
         ORDER BY b.value COLLATE "C" DESC LIMIT %s)
    ) AS e
"""
# What may be one mail with a message: the same content, one naming the other's id or both a third one as a former id,
# and what has been joined already.
_MATES = """
    SELECT u.key, o.mate FROM unnest(%(keys)b::uuid[]) AS u (key)
    CROSS JOIN LATERAL (
        SELECT e.child AS mate FROM resolver.evidence mine CROSS JOIN LATERAL (
            SELECT child FROM resolver.evidence WHERE target = mine.target AND kind = mine.kind
            ORDER BY child LIMIT %(most)s) AS e
        WHERE mine.child = u.key AND mine.kind IN ('copy', 'alias')
        UNION
        SELECT m.message_key FROM resolver.evidence mine CROSS JOIN LATERAL (
            SELECT message_key FROM resolver.message WHERE id_key = mine.target
            ORDER BY message_key LIMIT %(most)s) AS m
        WHERE mine.child = u.key AND mine.kind = 'alias'
        UNION
        SELECT e.child FROM resolver.message m CROSS JOIN LATERAL (
            SELECT child FROM resolver.evidence WHERE target = m.id_key AND kind = 'alias'
            ORDER BY child LIMIT %(most)s) AS e
        WHERE m.message_key = u.key
        UNION SELECT elder FROM resolver.joined WHERE message_key = u.key
        UNION SELECT message_key FROM resolver.joined WHERE elder = u.key
    ) AS o WHERE o.mate <> u.key ORDER BY 1, 2
"""


def aliases(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Return the messages that had one of these ids before, by id."""
    return _grouped(connection.execute(_ALIASES, (list(ids), MOST_NAMES)).fetchall())


def copies(connection: Connection, messages: Iterable[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Return the messages that are the same mail under another id, by message."""
    return _grouped(connection.execute(_COPIES, (list(messages), MOST_NAMES)).fetchall())


def mates(connection: Connection, messages: Iterable[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Return the messages that may be one mail with these, by message; those without any are left out."""
    return _grouped(connection.execute(_MATES, {"keys": sorted(messages), "most": MOST_NAMES}).fetchall())


def joined(connection: Connection, messages: Iterable[UUID]) -> dict[tuple[UUID, Direction], UUID]:
    """Return in whose activity messages are filed that were joined: of these messages, and with one of these."""
    keys = list(messages)
    rows = connection.execute(
        "SELECT message_key, direction, elder FROM resolver.joined WHERE message_key = ANY(%b) OR elder = ANY(%b)",
        (keys, keys),
    )
    return {(key, Direction(direction)): elder for key, direction, elder in rows}


def above(connection: Connection, places: Sequence[tuple[UUID, UUID, str]]) -> dict[UUID, tuple[UUID, ...]]:
    """Return the messages above those with these (message, root, value), nearest first, by message."""
    if not places:
        return {}
    columns = [list(column) for column in zip(*places, strict=True)]
    own = {child: value for child, _, value in places}
    found: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    for child, other, value in connection.execute(_ABOVE, (*columns, MOST_ABOVE, MOST_ABOVE)):
        found[child].append((other, value))
    return {child: nearest_first(own[child], others) for child, others in found.items()}


def nearest_first(own: str, others: Iterable[tuple[UUID, str]]) -> tuple[UUID, ...]:
    """Return the messages with these values that stand above one with the value ``own``, nearest first."""
    ranked = [(place, key) for key, value in others if (place := nearness(own, value)) is not None]
    return tuple(key for _, key in sorted(ranked, key=lambda one: (one[0], one[1].int), reverse=True))


def renamed(connection: Connection, pieces: Iterable[tuple[UUID, UUID, str]]) -> list[UUID]:
    """
    Return the ids under which messages are found from now on, of new evidence (child, target, kind).

    What points at them was decided without that.
    """
    named = list(pieces)
    ids = {target for _, target, kind in named if kind == Kind.ALIAS}
    joined = [child for child, _, kind in named if kind == Kind.COPY]
    if joined:
        same = copies(connection, joined)
        keys = sorted({*same, *(key for others in same.values() for key in others)})
        rows = connection.execute("SELECT DISTINCT id_key FROM resolver.message WHERE message_key = ANY(%b)", (keys,))
        ids |= {id_key for (id_key,) in rows}
    return sorted(ids)


def _grouped(rows: Iterable[Sequence[UUID]]) -> dict[UUID, tuple[UUID, ...]]:
    found: Mapping[UUID, dict[UUID, None]] = defaultdict(dict)
    for name, key in rows:
        found[name][key] = None
    return {name: tuple(keys) for name, keys in found.items()}
