"""Finds messages whose evidence points at each other in a circle, when an edge that has just come closes one."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain.cycles import on_cycles
from services.domain.evidence import POINTS_AT_IDS
from services.storage.inserting import upsert

# A circle that leaves these messages comes back to one of them from another one, which in the usual order of arrival
# nothing does yet; one that stays among them needs no walk.
_REACHABLE = """
    WITH RECURSIVE edge(child, target) AS (
        SELECT e.child, t.message_key
        FROM resolver.message m
        JOIN resolver.evidence e ON e.child = m.message_key AND e.kind = ANY(%(kinds)s)
        JOIN resolver.message t ON t.id_key = e.target
        WHERE m.message_key = ANY(%(keys)b) AND EXISTS (
            SELECT FROM resolver.evidence i
            WHERE i.target = m.id_key AND i.child <> ALL(%(keys)b) AND i.kind = ANY(%(kinds)s))
        UNION
        SELECT e.child, t.message_key
        FROM edge
        JOIN resolver.evidence e ON e.child = edge.target AND e.kind = ANY(%(kinds)s)
        JOIN resolver.message t ON t.id_key = e.target
    )
    SELECT child, target FROM edge WHERE child <> target
    UNION
    SELECT e.child, t.message_key
    FROM resolver.evidence e JOIN resolver.message t ON t.id_key = e.target
    WHERE e.child = ANY(%(keys)b) AND e.kind = ANY(%(kinds)s)
        AND t.message_key = ANY(%(keys)b) AND t.message_key <> e.child
"""
_KINDS = sorted(POINTS_AT_IDS)


def mark(connection: psycopg.Connection[Any], message_keys: Sequence[UUID]) -> list[UUID]:
    """
    Mark the evidence on circles through these messages; return the messages whose evidence lost its weight now.

    Runs after the messages and their evidence are committed, so of two messages that close a circle together at
    least one sees it.
    """
    edges: dict[UUID, set[UUID]] = defaultdict(set)
    for child, target in connection.execute(_REACHABLE, {"keys": list(message_keys), "kinds": _KINDS}):
        edges[child].add(target)
    inside = [(child, target) for circle in on_cycles(edges) for child in circle for target in edges[child] & circle]
    rows = upsert(
        connection,
        "resolver.circling",
        ("child", "target"),
        inside,
        key=("child", "target"),
        returning=("child",),
    )
    return sorted({child for (child,) in rows})
