"""Finds messages whose evidence points at each other in a circle, when an edge that has just come closes one."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain.cycles import on_cycles

# A circle goes through a message only when something points at it; in the usual order of arrival nothing does yet.
_REACHABLE = """
    WITH RECURSIVE walk(key, id_key) AS (
        SELECT m.message_key, m.id_key FROM resolver.message m
        WHERE m.message_key = ANY(%s) AND EXISTS (SELECT FROM resolver.evidence e WHERE e.target = m.id_key)
        UNION
        SELECT t.message_key, t.id_key
        FROM walk w JOIN resolver.evidence e ON e.child = w.key JOIN resolver.message t ON t.id_key = e.target
    )
    SELECT w.key, t.message_key, e.target
    FROM walk w JOIN resolver.evidence e ON e.child = w.key JOIN resolver.message t ON t.id_key = e.target
    WHERE t.message_key <> w.key
"""


def mark(connection: psycopg.Connection[Any], message_keys: Sequence[UUID]) -> list[UUID]:
    """
    Mark the evidence on circles through these messages; return the messages whose evidence lost its weight now.

    Runs after the messages and their evidence are committed, so of two messages that close a circle together at
    least one sees it.
    """
    edges: dict[UUID, set[UUID]] = defaultdict(set)
    id_of: dict[UUID, UUID] = {}
    for child, target, id_key in connection.execute(_REACHABLE, (list(message_keys),)):
        edges[child].add(target)
        id_of[target] = id_key
    fresh: set[UUID] = set()
    for circle in on_cycles(edges):
        inside = [(child, id_of[t]) for child in sorted(circle) for t in sorted(edges[child] & circle)]
        rows = connection.execute(
            "UPDATE resolver.evidence e SET cyclic = true"
            " FROM unnest(%s::uuid[], %s::uuid[]) AS c(child, target)"
            " WHERE e.child = c.child AND e.target = c.target AND NOT e.cyclic RETURNING e.child",
            ([child for child, _ in inside], [target for _, target in inside]),
        )
        fresh.update(child for (child,) in rows)
    return sorted(fresh)
