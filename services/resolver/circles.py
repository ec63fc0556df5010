"""Finds messages whose evidence points at each other in a circle, when an edge that has just come closes one."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain.cycles import on_cycles
from services.domain.evidence import POINTS_AT_IDS
from services.storage.inserting import upsert

# Look-ups by LATERAL … OFFSET 0: a plan that was cached while the tables were empty would else scan them for ever.
_ANSWERS = """
    SELECT e.child, m.message_key
    FROM unnest(%(keys)b::uuid[]) AS u (key)
    CROSS JOIN LATERAL (SELECT message_key, id_key FROM resolver.message WHERE message_key = u.key OFFSET 0) AS m
    CROSS JOIN LATERAL (
        SELECT child FROM resolver.evidence WHERE target = m.id_key AND kind = ANY(%(kinds)s) OFFSET 0) AS e
    WHERE e.child <> m.message_key
"""
_REACHABLE = """
    WITH RECURSIVE edge(child, target) AS (
        SELECT e.child, t.message_key
        FROM resolver.evidence e JOIN resolver.message t ON t.id_key = e.target
        WHERE e.child = ANY(%(keys)b) AND e.kind = ANY(%(kinds)s)
        UNION
        SELECT e.child, t.message_key
        FROM edge
        JOIN resolver.evidence e ON e.child = edge.target AND e.kind = ANY(%(kinds)s)
        JOIN resolver.message t ON t.id_key = e.target
    )
    SELECT child, target FROM edge WHERE child <> target
"""
_KINDS = sorted(POINTS_AT_IDS)


def mark(connection: psycopg.Connection[Any], message_keys: Sequence[UUID]) -> list[UUID]:
    """
    Mark the evidence on circles through these messages; return the messages whose evidence lost its weight now.

    Runs after the messages and their evidence are committed, so of two messages that close a circle together at
    least one sees it.

    A circle that stays among these messages needs no walk. One that leaves them comes back to one of them from another
    message, which in the usual order of arrival nothing does yet: only from such a one the evidence is followed.
    """
    own = set(message_keys)
    edges: dict[UUID, set[UUID]] = defaultdict(set)
    answers = connection.execute(_ANSWERS, {"keys": list(own), "kinds": _KINDS}).fetchall()
    for child, target in answers:
        if child in own:
            edges[child].add(target)
    entered = {target for child, target in answers if child not in own}
    if entered:
        for child, target in connection.execute(_REACHABLE, {"keys": sorted(entered), "kinds": _KINDS}):
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
