"""
The thread graph: a thread is a component of the graph of all ids that mails mention, ghosts included.

The grouping depends on the mails alone, never on the order in which they came. Only the number of a thread
depends on it: where two threads meet, the oldest (the smallest number) wins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.domain.sightings import Addition, Placed, Sighting, Stored, result

THREADS_PER_VERSION = 1_024
"""A new thread is numbered ``version * 1024 + k``, so one batch may open this many."""


@dataclass(frozen=True, slots=True)
class Node:
    """An id that some mail mentions. ``seen`` when a message with this id has come, else it is a ghost."""

    id: UUID
    thread: int
    seen: bool


@dataclass(frozen=True, slots=True)
class Merge:
    """All of ``loser`` is ``winner`` now, because of the message ``cause``. A thread loses only once."""

    loser: int
    winner: int
    cause: UUID


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What a batch changes in the graph, each part sorted by its key.

    ``arrived`` are ghosts whose message has come now: the tree changes, the grouping does not.
    """

    nodes: tuple[Node, ...]
    arrived: tuple[UUID, ...]
    merges: tuple[Merge, ...]
    threads: Mapping[UUID, int]


class _Sets:
    """Disjoint sets of numbers with the oldest thread of each; near-linear (size and path halving)."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._size: list[int] = []
        self._thread: list[int | None] = []
        self.lost: dict[int, UUID] = {}

    def add(self, thread: int | None) -> int:
        number = len(self._parent)
        self._parent.append(number)
        self._size.append(1)
        self._thread.append(thread)
        return number

    def root(self, number: int) -> int:
        parent = self._parent
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    def join(self, one: int, other: int, cause: UUID) -> None:
        one, other = self.root(one), self.root(other)
        if one == other:
            return
        if self._size[one] < self._size[other]:
            one, other = other, one
        self._parent[other] = one
        self._size[one] += self._size[other]
        mine, theirs = self._thread[one], self._thread[other]
        if mine is not None and theirs is not None:
            self.lost[max(mine, theirs)] = cause
            self._thread[one] = min(mine, theirs)
        elif mine is None:
            self._thread[one] = theirs

    def number(self, version: int) -> None:
        """Give every set without a thread a new one."""
        opened = 0
        for place in range(len(self._parent)):
            if self._parent[place] == place and self._thread[place] is None:
                if opened == THREADS_PER_VERSION:
                    raise ValueError(f"a batch may open {THREADS_PER_VERSION} threads, this one opens more")
                self._thread[place] = version * THREADS_PER_VERSION + opened
                opened += 1

    def thread_at(self, place: int) -> int:
        """Return the thread of the set that a place is in; only after :meth:`number`."""
        thread = self._thread[self.root(place)]
        assert thread is not None
        return thread


def plan(batch: Sequence[Addition], known: Mapping[UUID, Node], version: int) -> Plan:
    """
    Return how the graph changes when a batch of messages is added to it.

    ``known`` has the stored nodes among the batch's ids, their threads with merges resolved. Loops,
    self-references and repeats are harmless. Linear in the number of ids. ``ValueError`` when the batch opens
    more than :data:`THREADS_PER_VERSION` threads; no batch of so many messages does.
    """
    ids = dict.fromkeys(i for one in batch for i in (one.own, *one.joins))
    own = {one.own for one in batch}
    sets = _Sets()
    of_thread = {t: sets.add(t) for t in dict.fromkeys(known[i].thread for i in ids if i in known)}
    places = {i: of_thread[known[i].thread] if i in known else sets.add(None) for i in ids}
    for one in batch:
        for target in one.joins:
            sets.join(places[one.own], places[target], one.message)
    sets.number(version)
    return Plan(
        nodes=tuple(Node(i, sets.thread_at(places[i]), i in own) for i in sorted(ids.keys() - known.keys())),
        arrived=tuple(sorted(i for i in own if i in known and not known[i].seen)),
        merges=tuple(Merge(t, sets.thread_at(of_thread[t]), sets.lost[t]) for t in sorted(sets.lost)),
        threads={one.message: sets.thread_at(places[one.own]) for one in batch},
    )


def results(
    united: Mapping[UUID, Sighting],
    stored: Mapping[UUID, Stored],
    added: Sequence[Addition],
    planned: Plan | None,
    version: int,
) -> dict[UUID, Placed]:
    """
    Return the result for each message of a batch after its plan, if there was anything to add, was carried out.

    A message that adds nothing keeps its version; its thread may have lost to another by the same batch.
    """
    winners = {} if planned is None else {m.loser: m.winner for m in planned.merges}
    extra = {one.message: one for one in added}
    placed = {}
    for key, sighting in united.items():
        before = stored.get(key)
        if planned is not None and key in extra:
            thread, at = planned.threads[key], version
        else:
            assert before is not None
            thread, at = winners.get(before.thread, before.thread), before.version
        placed[key] = result(sighting, before, extra.get(key), thread, at)
    return placed
