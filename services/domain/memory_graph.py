"""A thread graph in memory: the same promises as the stored one, for dry runs and tests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.domain.graph import Merge, Node, plan, results
from services.domain.sightings import Placed, Sighting, Stored, additions, unite


class MemoryGraph:
    """
    Keeps nodes, messages and merges in dictionaries. Not safe for several threads at once.

    ``merges`` lists what a stored graph would have told the world, in order.
    """

    def __init__(self) -> None:
        self.merges: list[Merge] = []
        self._winner: dict[int, int] = {}
        self._nodes: dict[UUID, Node] = {}
        self._messages: dict[UUID, Stored] = {}
        self._version = 0

    def _today(self, thread: int) -> int:
        root = thread
        while root in self._winner:
            root = self._winner[root]
        while thread != root:
            self._winner[thread], thread = root, self._winner[thread]
        return root

    def place(self, sightings: Sequence[Sighting]) -> Mapping[UUID, Placed]:
        """Add a batch of at most 1,024 messages; return the result for each, by message key."""
        united = unite(sightings)
        stored = {key: self._stored(key) for key in united if key in self._messages}
        added = additions(united, stored)
        if added:
            self._version += 1
        ids = {i for one in added for i in (one.own, *one.joins)}
        known = {i: self._node(i) for i in ids if i in self._nodes}
        planned = plan(added, known, self._version)
        self._nodes.update((node.id, node) for node in planned.nodes)
        self._nodes.update((i, replace(self._nodes[i], seen=True)) for i in planned.arrived)
        self._winner.update((merge.loser, merge.winner) for merge in planned.merges)
        self.merges += planned.merges

        placed = results(united, stored, added, planned, self._version)
        for key, now in placed.items():
            edges = {(e.kind, e.target): e for e in now.evidence}
            self._messages[key] = Stored(now.thread, now.version, now.truncated, edges)
        return placed

    def thread_of(self, id_: UUID) -> int | None:
        """Return the thread of an id that some mail mentioned, or None."""
        return self._node(id_).thread if id_ in self._nodes else None

    def _node(self, id_: UUID) -> Node:
        node = self._nodes[id_]
        return replace(node, thread=self._today(node.thread))

    def _stored(self, message: UUID) -> Stored:
        stored = self._messages[message]
        return replace(stored, thread=self._today(stored.thread))
