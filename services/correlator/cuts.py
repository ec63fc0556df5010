"""The pairs of ids that people have parted, as the graph's transactions read and write them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from services.domain.repair import withhold
from services.domain.sightings import Addition, Stored

_CUTS = """
SELECT c.id, c.target, c.command
FROM unnest(%b::uuid[]) AS u (id)
CROSS JOIN LATERAL (SELECT * FROM correlator.cut WHERE id = u.id OFFSET 0) AS c"""

_WITHHOLD = """
INSERT INTO correlator.edge (child, target, kind, position, removed_by)
SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::int[], %b::uuid[])
ON CONFLICT DO NOTHING"""

_CUT = """
INSERT INTO correlator.cut (id, target, command)
SELECT id, target, %s FROM unnest(%b::uuid[], %b::uuid[]) AS u (id, target)
ON CONFLICT DO NOTHING"""

_MEND = (
    "DELETE FROM correlator.cut WHERE (id = %(one)s AND target = %(other)s) OR (id = %(other)s AND target = %(one)s)"
)


def respect(connection: Connection[Any], added: Sequence[Addition], stored: Mapping[UUID, Stored]) -> list[Addition]:
    """
    Return what may be added: no edge that joins what a person has parted; such edges are stored as removed.

    To be called under the graph's lock. Where nobody has parted anything this is one look into an empty index.
    """
    ids = {i for one in added for i in (one.own, *(e.target for e in one.edges))}
    ids |= {target for one in added if one.message in stored for _, target in stored[one.message].edges}
    if not ids:
        return list(added)
    with connection.cursor(binary=True) as cursor:
        found = cursor.execute(_CUTS, (sorted(ids),)).fetchall()
    kept, withheld = withhold(added, stored, {(id_, target): command for id_, target, command in found})
    if withheld:
        rows = [(w.child, w.target, w.kind, w.position, w.command) for w in sorted(withheld)]
        connection.execute(_WITHHOLD, [list(column) for column in zip(*rows, strict=True)])
    return kept


def add(connection: Connection[Any], pairs: Iterable[tuple[UUID, UUID]], command: UUID) -> None:
    """Keep these pairs of ids apart from now on."""
    rows = sorted(set(pairs))
    if rows:
        connection.execute(_CUT, (command, [one for one, _ in rows], [other for _, other in rows]))


def mend(connection: Connection[Any], one: UUID, other: UUID) -> None:
    """Let mails join these two ids again."""
    connection.execute(_MEND, {"one": one, "other": other})
