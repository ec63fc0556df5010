"""What people have said of messages and what they point at: such a pair counts, or does not, whatever else says."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain.evidence import STRENGTH, Kind
from services.resolver.arrivals import Relinked
from services.storage.inserting import upsert

_LATER = (
    "DO UPDATE SET version = excluded.version, linked = excluded.linked, command = excluded.command"
    " WHERE excluded.version > relink.version"
)
_FORGET = """
DELETE FROM resolver.evidence e USING resolver.relink r
WHERE r.child = e.child AND r.target = e.target AND NOT (r.linked AND e.kind = 'manual') AND e.child = ANY (%b)"""

# A circle that lost an edge is none; what still is one is found again when its messages are decided.
_UNMARK = """
WITH RECURSIVE ring (child, target) AS (
    SELECT child, target FROM resolver.circling WHERE child = ANY (%b)
    UNION
    SELECT c.child, c.target FROM ring JOIN resolver.circling c ON c.child = ring.target
)
DELETE FROM resolver.circling c USING ring WHERE c.child = ring.child AND c.target = ring.target RETURNING c.child"""


def apply(connection: psycopg.Connection[Any], notices: Sequence[Relinked]) -> None:
    """
    Keep what was said, let the evidence follow, and leave a job to decide the messages again.

    The latest version of a pair counts, so the order of the notices does not matter, and one that came before changes
    nothing. To be called while nothing else stores or decides.
    """
    rows = {
        (pair.child, pair.target): (pair.child, pair.target, one.version, pair.linked, one.command)
        for one in sorted(notices, key=lambda notice: notice.version)
        for pair in one.pairs
    }
    fresh = upsert(
        connection,
        "resolver.relink",
        ("child", "target", "version", "linked", "command"),
        rows.values(),
        key=("child", "target"),
        conflict=_LATER,
        returning=("child", "target"),
    )
    if not fresh:
        return
    said = set(fresh)
    children = sorted({child for child, _ in said})
    respect(connection, children)
    upsert(
        connection,
        "resolver.evidence",
        ("child", "target", "kind", "cls", "position", "value"),
        [
            (pair.child, pair.target, Kind.MANUAL, STRENGTH[Kind.MANUAL], pair.position, pair.value)
            for one in notices
            for pair in one.pairs
            if pair.linked and (pair.child, pair.target) in said and rows[pair.child, pair.target][2] == one.version
        ],
        key=("child", "target", "kind"),
        conflict="DO UPDATE SET position = excluded.position",
    )
    freed = {child for (child,) in connection.execute(_UNMARK, (children,))}
    connection.execute(
        "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', %s, 'relink')",
        (sorted({*children, *freed}),),
    )


def respect(connection: psycopg.Connection[Any], messages: Sequence[UUID]) -> None:
    """
    Take away the evidence of these messages about pairs of which a person has spoken; it may come at any time again.

    Of a pair that was parted and joined again nobody could tell otherwise whether what was taken away has come back.
    """
    connection.execute(_FORGET, (list(messages),))


def parted(connection: psycopg.Connection[Any], messages: Sequence[UUID]) -> frozenset[tuple[UUID, UUID]]:
    """Return these messages with the ids that they do not belong to, as a person says."""
    if not messages:
        return frozenset()
    rows = connection.execute(
        "SELECT child, target FROM resolver.relink WHERE child = ANY (%b) AND NOT linked", (list(messages),)
    )
    return frozenset((child, target) for child, target in rows)
