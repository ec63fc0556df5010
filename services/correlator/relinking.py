"""The reads and writes of a change to the graph, and the records that tell of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from psycopg import Connection

from services.contracts.codec import encode
from services.correlator import statements as sql
from services.correlator.store import thread_today
from services.correlator.walking import look_up
from services.domain.evidence import NAMES_ITSELF, Kind
from services.domain.graph import THREADS_PER_VERSION, Merge
from services.storage.outbox import OutboxRow

T = TypeVar("T")

PER_RECORD = 5_000
"""So many messages, or pairs, one record tells of: well below the size that Kafka takes."""

_MESSAGES = "SELECT message_key FROM correlator.message WHERE id_key = %b ORDER BY message_key"

_SEEN = "SELECT id FROM correlator.node WHERE id = ANY (%b::uuid[]) AND seen"

_REMOVE = """
UPDATE correlator.edge e SET removed_by = %s FROM unnest(%b::uuid[], %b::uuid[]) AS u (child, target)
WHERE e.child = u.child AND e.target = u.target AND e.kind <> ALL (%s) AND e.removed_by IS NULL"""

_MOVE_NODES = """
UPDATE correlator.node n SET thread = u.thread FROM unnest(%b::uuid[], %b::bigint[]) AS u (id, thread)
WHERE n.id = u.id"""

_MOVE_MESSAGES = """
UPDATE correlator.message m SET thread = u.thread, version = %s FROM unnest(%b::uuid[], %b::bigint[]) AS u (id, thread)
WHERE m.id_key = u.id RETURNING m.message_key, m.thread"""

_LINK = """
INSERT INTO correlator.edge AS e (child, target, kind, position, decision)
SELECT u.child, %(target)b, %(kind)b,
    -1 - (SELECT count(*) FROM correlator.edge WHERE child = u.child AND kind = %(kind)b), %(command)b
FROM unnest(%(children)b::uuid[]) AS u (child)
ON CONFLICT (child, target, kind) DO UPDATE
SET position = excluded.position, decision = excluded.decision, removed_by = NULL
RETURNING child, position"""


@dataclass(slots=True, kw_only=True)
class Change:
    """What a command does: pairs of message and id that no longer count or count from now on, and what that moves."""

    version: int
    messages: list[UUID]
    removed: list[tuple[UUID, UUID]] = field(default_factory=list)
    added: list[tuple[UUID, UUID, int, str]] = field(default_factory=list)
    moved: dict[int, list[UUID]] = field(default_factory=dict)
    merged: Merge | None = None

    def told(self) -> str:
        """Return what came of it, in words."""
        told = [f"{len(keys)} of the messages are conversation {thread} now" for thread, keys in self.moved.items()]
        if self.merged is not None:
            told.append(f"conversation {self.merged.loser} is conversation {self.merged.winner} now")
        return "; ".join(told) or "the conversation stays the same"


def messages(connection: Connection[Any], id_key: UUID) -> list[UUID]:
    """Return the messages with this id: none, one, or several that are flagged."""
    return [key for (key,) in look_up(connection, _MESSAGES, (id_key,))]


def seen(connection: Connection[Any], ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the ids that a message has, the others being ghosts."""
    return {one for (one,) in look_up(connection, _SEEN, (sorted(ids),))}


def remove(connection: Connection[Any], pairs: Iterable[tuple[UUID, UUID]], command: UUID) -> None:
    """Mark the edges of these pairs as removed by a command."""
    rows = sorted(pairs)
    connection.execute(
        _REMOVE,
        (command, [child for child, _ in rows], [target for _, target in rows], [str(kind) for kind in NAMES_ITSELF]),
    )


def move(connection: Connection[Any], change: Change, pieces: Sequence[frozenset[UUID]]) -> None:
    """Make each piece a thread of its own."""
    more = range(THREADS_PER_VERSION, len(pieces), THREADS_PER_VERSION)
    versions = [change.version, *(look_up(connection, sql.NEXT_VERSION, ())[0][0] for _ in more)]
    change.version = versions[-1]
    ids: list[UUID] = []
    threads: list[int] = []
    for number, piece in enumerate(pieces):
        version, place = versions[number // THREADS_PER_VERSION], number % THREADS_PER_VERSION
        ids += sorted(piece)
        threads += [version * THREADS_PER_VERSION + place] * len(piece)
    if not ids:
        return
    connection.execute(_MOVE_NODES, (ids, threads))
    for message, thread in sorted(look_up(connection, _MOVE_MESSAGES, (change.version, ids, threads))):
        change.moved.setdefault(thread, []).append(message)


def link(connection: Connection[Any], change: Change, onto: UUID, mid: str, command: UUID) -> None:
    """Add an edge that a person makes, nearer than any other."""
    given = {"children": change.messages, "target": onto, "kind": str(Kind.MANUAL), "command": command}
    change.added = [(child, onto, position, mid) for child, position in sorted(look_up(connection, _LINK, given))]


def merge(connection: Connection[Any], change: Change, one: UUID, other: UUID, command: UUID) -> None:
    """Make the younger of the threads of two ids the older one, unless they are one already."""
    here, there = (thread_today(connection, id_) for id_ in (one, other))
    if here == there:
        return
    change.merged = Merge(max(here, there), min(here, there), command)
    connection.execute(sql.ADD_MERGES, (change.version, [change.merged.loser], [change.merged.winner], [command]))


def records(change: Change, thread: int, command: UUID) -> list[OutboxRow]:
    """Return the records that tell the resolver what has changed; ``thread`` is that of the message today."""
    told = {"version": change.version, "cause": str(command)}
    rows: list[OutboxRow] = []
    for moved, keys in change.moved.items():
        for some in _chunks(keys):
            value = {"messages": [str(key) for key in some], "thread": moved}
            rows.append(_record(moved, "ThreadChanged", {"change": value, **told}))
    if change.merged is not None:
        winner = change.merged.winner
        value = {"loser": change.merged.loser, "winner": winner}
        rows.append(_record(winner, "ThreadChanged", {"change": value, **told}))
    pairs = [_pair(child, target, linked=False) for child, target in change.removed]
    pairs += [_pair(child, target, linked=True, position=at, value=mid) for child, target, at, mid in change.added]
    rows += [_record(thread, "Relinked", {"pairs": some, **told}) for some in _chunks(pairs)]
    return rows


def _pair(child: UUID, target: UUID, *, linked: bool, position: int = 0, value: str = "") -> dict[str, object]:
    return {"child": str(child), "target": str(target), "linked": linked, "position": position, "value": value}


def _record(thread: int, name: str, value: Mapping[str, Any]) -> OutboxRow:
    return OutboxRow("mail-correlated", str(thread).encode(), encode(name, value))


def _chunks(given: Sequence[T]) -> Iterator[Sequence[T]]:
    return (given[at : at + PER_RECORD] for at in range(0, len(given), PER_RECORD))
