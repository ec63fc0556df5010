"""Walks along the links of the graph, as far as a command may: what hangs together with a message."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from services.domain.evidence import JOINS, NAMES_ITSELF
from services.domain.repair import Link

MOST_IDS = 10_000
"""Ids that a command may part, or move, while all other writers of the graph wait: a second or two."""
MOST_LINKS = 100_000
_MORE_IDS = f"more than {MOST_IDS} messages and ids"

# Along each edge in both directions; an id is walked from once. The walk ends with the last row that is asked for. Each
# look is one probe of an index: a plan made while the tables were small would else read them whole for every id.
_OUT = """(SELECT message_key FROM correlator.message WHERE id_key = r.id OFFSET 0) AS m CROSS JOIN LATERAL (
            SELECT child, target, kind FROM correlator.edge
            WHERE child = m.message_key AND removed_by IS NULL AND kind = ANY (%(kinds)b)
                AND (r.id = %(start)b AND target = %(without)b AND kind <> ALL (%(names)b)) IS NOT TRUE OFFSET 0
        ) AS e"""
_IN = """(SELECT child, target, kind FROM correlator.edge
            WHERE target = r.id AND removed_by IS NULL AND kind = ANY (%(kinds)b) OFFSET 0
        ) AS e CROSS JOIN LATERAL (SELECT id_key FROM correlator.message WHERE message_key = e.child OFFSET 0) AS m"""
_COMPONENT = f"""
WITH RECURSIVE reached (id) AS (
    SELECT %(start)b::uuid
    UNION
    SELECT n.id FROM reached AS r CROSS JOIN LATERAL (
        SELECT e.target AS id FROM {_OUT}
        UNION ALL
        SELECT m.id_key FROM {_IN}
        WHERE (m.id_key = %(start)b AND e.target = %(without)b AND e.kind <> ALL (%(names)b)) IS NOT TRUE
    ) AS n
), near (id) AS (
    SELECT id FROM reached LIMIT %(ids)b
)
SELECT r.id, l.child, l.target, l.kind FROM near AS r LEFT JOIN LATERAL (
    SELECT e.child, e.target, e.kind FROM {_OUT}
) AS l ON true LIMIT %(links)b"""  # noqa: S608 - constants

_FOLLOWING = f"""
WITH RECURSIVE reached (id) AS (
    SELECT %(start)b::uuid
    UNION
    SELECT n.id FROM reached AS r CROSS JOIN LATERAL (SELECT m.id_key AS id FROM {_IN}) AS n
)
SELECT id FROM reached LIMIT %(ids)b"""  # noqa: S608 - constants

_TIED = """
SELECT count(*) FROM correlator.message m JOIN correlator.edge e ON e.child = m.message_key
WHERE m.id_key = %b AND e.target = %b AND e.removed_by IS NULL AND e.kind = ANY (%b) AND e.kind <> ALL (%b)"""


class Component(NamedTuple):
    """Ids that hang together, and the links between them."""

    ids: set[UUID]
    links: list[Link]


class TooLargeError(Exception):
    """
    More hangs together than is looked at under the lock of the graph; the text says how much that is.

    ``near`` are the ids that were met until then.
    """

    def __init__(self, why: str, near: set[UUID]) -> None:
        super().__init__(why)
        self.near = near


def component(connection: Connection[Any], start: UUID, without: UUID | None = None) -> Component:
    """
    Return what hangs together with an id, as if its messages did not point at ``without``.

    :class:`TooLargeError` above :data:`MOST_IDS` or :data:`MOST_LINKS`; no more than that is read.
    """
    given = {
        "start": start,
        "without": without,
        "kinds": [str(kind) for kind in JOINS],
        "names": [str(kind) for kind in NAMES_ITSELF],
        "ids": MOST_IDS + 1,
        "links": MOST_LINKS + 1,
    }
    rows = look_up(connection, _COMPONENT, given)
    ids = {own for own, *_ in rows}
    if len(ids) > MOST_IDS:
        raise TooLargeError(_MORE_IDS, ids)
    if len(rows) > MOST_LINKS:
        raise TooLargeError(f"more than {MOST_LINKS} links", ids)
    links = {Link(child, own, target, kind in NAMES_ITSELF) for own, child, target, kind in rows if child}
    return Component(ids, sorted(links))


def names(connection: Connection[Any], own: UUID) -> set[UUID]:
    """Return the ids that are names of one message, by whatever further names tie them."""
    kinds = [str(kind) for kind in NAMES_ITSELF]
    given = {"start": own, "without": None, "kinds": kinds, "names": kinds, "ids": MOST_IDS, "links": MOST_LINKS}
    return {one for one, *_ in look_up(connection, _COMPONENT, given)}


def following(connection: Connection[Any], own: UUID) -> set[UUID]:
    """Return the ids of all messages that point at this id, directly or through others, and the id itself."""
    kinds = [str(kind) for kind in JOINS]
    found = {one for (one,) in look_up(connection, _FOLLOWING, {"start": own, "kinds": kinds, "ids": MOST_IDS + 1})}
    if len(found) > MOST_IDS:
        raise TooLargeError(_MORE_IDS, found)
    return found


def tied(connection: Connection[Any], own: UUID, target: UUID) -> bool:
    """Whether messages with this id point at the other one by a link that joins and is no other name of theirs."""
    kinds, names = [str(kind) for kind in JOINS], [str(kind) for kind in NAMES_ITSELF]
    ((count,),) = look_up(connection, _TIED, (own, target, kinds, names))
    return bool(count)


def look_up(
    connection: Connection[Any], statement: str, parameters: Sequence[Any] | Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(statement, parameters).fetchall()
