"""The thread graph in PostgreSQL: one transaction per batch under one advisory lock, no round trip per mail."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias
from uuid import UUID

from psycopg import Connection

from services.contracts.codec import encode
from services.correlator import cuts
from services.correlator import statements as sql
from services.domain.evidence import JOINS, Evidence, Kind
from services.domain.graph import Merge, Node, Plan, plan, results
from services.domain.sightings import Addition, Placed, Sighting, Stored, additions, unite
from services.runtime.crash import crash_point
from services.storage import outbox
from services.storage.postgres import Database

Rows: TypeAlias = list[tuple[Any, ...]]

GRAPH_LOCK = int.from_bytes(b"mwgraph")
LONGEST_CHAIN = 16
"""Merges are followed on read; a batch that meets a longer chain and writes makes all of it point at its end."""


class GraphStore:
    """
    A :class:`services.correlator.ports.Graph` that any number of replicas may use at once.

    ``Retry`` when the database cannot be reached; then nothing, or all, of the batch is stored, and offering it
    again ends alike. ``announced`` is called when thread changes were committed to the outbox.
    """

    def __init__(self, database: Database, *, announced: Callable[[], None]) -> None:
        self._database = database
        self._announced = announced

    def place(self, sightings: Sequence[Sighting]) -> Mapping[UUID, Placed]:
        """See :meth:`services.correlator.ports.Graph.place`."""
        united = unite(sightings)
        with self._database.transaction() as connection:
            connection.execute(sql.BEGIN)
            stored = _stored(connection, united)
            if not additions(united, stored):
                return results(united, stored, [], None, 0)
            connection.execute(sql.LOCK, (GRAPH_LOCK,))
            stored = _stored(connection, united)
            added = additions(united, stored)  # another replica may have stored some of it by now
            added = cuts.respect(connection, added, stored)
            planned, version = _add(connection, added) if added else (None, 0)
            crash_point("correlator.graph_written")
        if planned is not None and planned.merges:
            self._announced()
        return results(united, stored, added, planned, version)


def _add(connection: Connection[Any], added: Sequence[Addition]) -> tuple[Plan, int]:
    version: int = _rows(connection, sql.NEXT_VERSION)[0][0]
    planned = plan(added, _known(connection, {i for one in added for i in (one.own, *one.joins)}), version)
    _write(connection, planned, added, version)
    return planned, version


def _rows(connection: Connection[Any], statement: str, *arguments: object) -> Rows:
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(statement, arguments).fetchall()


def _stored(connection: Connection[Any], messages: Iterable[UUID]) -> dict[UUID, Stored]:
    """Return what is stored of these messages, their threads resolved."""
    found = _rows(connection, sql.MESSAGES, sorted(messages))
    if not found:
        return {}
    today = _today(connection, {thread for _, thread, _, _ in found})
    edges: dict[UUID, dict[tuple[Kind, UUID], Evidence]] = {key: {} for key, *_ in found}
    removed: dict[UUID, set[UUID]] = {key: set() for key, *_ in found}
    for child, target, kind, position, is_removed, mid in _rows(connection, sql.EDGES, sorted(edges)):
        if not (is_removed and kind == Kind.MANUAL):
            edges[child][Kind(kind), target] = Evidence(Kind(kind), position, target, mid)
        if is_removed:
            removed[child].add(target)
    return {
        key: Stored(today[thread], version, truncated, edges[key], frozenset(removed[key]))
        for key, thread, version, truncated in found
    }


def _today(connection: Connection[Any], threads: set[int], *, shorten: bool = False) -> dict[int, int]:
    """Return what these threads are today. May shorten chains of merges, which only a holder of the lock does."""
    winner: dict[int, int] = dict(_rows(connection, sql.LINKS, sorted(threads))) if threads else {}
    today: dict[int, int] = {}
    length: dict[int, int] = {}
    for thread in sorted(threads | winner.keys()):  # a winner is older than its loser, so it comes first
        above = winner.get(thread)
        today[thread] = thread if above is None else today.get(above, above)
        length[thread] = 0 if above is None else length.get(above, 0) + 1
    if shorten and max(length.values(), default=0) > LONGEST_CHAIN:
        indirect = [thread for thread, steps in length.items() if steps > 1]
        connection.execute(sql.SHORTEN, (indirect, [today[thread] for thread in indirect]))
    return today


def _known(connection: Connection[Any], ids: set[UUID]) -> dict[UUID, Node]:
    nodes = [Node(*row) for row in _rows(connection, sql.NODES, sorted(ids))]
    today = _today(connection, {node.thread for node in nodes}, shorten=True)
    return {node.id: replace(node, thread=today[node.thread]) for node in nodes}


def thread_today(connection: Connection[Any], id_: UUID) -> int:
    """Return the thread of an id that some mail mentions. For holders of the lock."""
    return _known(connection, {id_})[id_].thread


def _write(connection: Connection[Any], planned: Plan, added: Sequence[Addition], version: int) -> None:
    mids = {e.target: e.value for one in added for e in one.edges if e.kind in JOINS} | {
        one.own: one.mid for one in added
    }
    statements: list[tuple[str, tuple[object, ...], list[tuple[Any, ...]]]] = [
        (sql.ADD_NODES, (), [(n.id, n.thread, n.seen, mids[n.id]) for n in planned.nodes]),
        (sql.ARRIVE, (), [(i,) for i in planned.arrived]),
        (sql.ADD_MERGES, (version,), [(m.loser, m.winner, m.cause) for m in planned.merges]),
        (sql.PUT_MESSAGES, (version,), [(a.message, a.own, planned.threads[a.message], a.truncated) for a in added]),
        (
            sql.PUT_EDGES,
            (),
            sorted(
                # The value of an id lies with its node, once for all that point at it.
                (a.message, e.target, str(e.kind), e.position, None if e.kind in JOINS else e.value)
                for a in added
                for e in a.edges
            ),
        ),
    ]
    for statement, first, rows in statements:
        if rows:
            connection.execute(statement, (*first, *(list(column) for column in zip(*rows, strict=True))))
    if planned.merges:
        outbox.append(connection, "correlator", [_announced(merge, version) for merge in planned.merges])


def _announced(merge: Merge, version: int) -> outbox.OutboxRow:
    change = {"loser": merge.loser, "winner": merge.winner}
    value = encode("ThreadChanged", {"change": change, "version": version, "cause": str(merge.cause)})
    return outbox.OutboxRow("mail-correlated", str(merge.winner).encode(), value, {})
