"""Other names, places under a Thread-Index and ancestors among given mails, as the resolver finds them in its store."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from services.domain.correlation import Target
from services.domain.evidence import POINTS_AT_IDS, Kind
from services.domain.thread_index import BLOCK_BYTES, ROOT_BYTES
from services.resolver.ledger import Pointed
from services.resolver.naming import MOST_ABOVE, nearest_first

Evidence = Mapping[UUID, Sequence[Pointed]]
Groups = dict[UUID, tuple[UUID, ...]]


def other_names(evidence: Evidence) -> tuple[Groups, Groups]:
    """Return the messages that once had an id, by id, and those that are the same mail, by message."""
    named: dict[UUID, list[UUID]] = defaultdict(list)
    copies: dict[UUID, list[UUID]] = defaultdict(list)
    for child, pieces in evidence.items():
        for piece in pieces:
            if piece.kind == Kind.ALIAS:
                named[piece.target].append(child)
            elif piece.kind == Kind.COPY:
                copies[piece.target].append(child)
    same = {
        one: tuple(other for other in group if other != one)
        for group in copies.values()
        if len(group) > 1
        for one in group
    }
    return {name: tuple(keys) for name, keys in named.items()}, same


def places(evidence: Evidence) -> Groups:
    """Return the messages above each by Thread-Index, nearest first."""
    roots: dict[UUID, list[tuple[str, UUID]]] = defaultdict(list)
    for child, pieces in evidence.items():
        for piece in pieces:
            if piece.kind == Kind.THREAD_INDEX:
                roots[piece.target].append((piece.value, child))
    above: Groups = {}
    for group in roots.values():
        group.sort()
        at: dict[str, list[UUID]] = defaultdict(list)
        for value, child in group:
            at[value].append(child)
        for value, child in group:
            lesser = bisect_left(group, (value, UUID(int=0)))
            near = {(key, other) for other, key in group[max(0, lesser - MOST_ABOVE) : lesser]}
            answered = (value[:n] for n in range(2 * ROOT_BYTES, len(value), 2 * BLOCK_BYTES))
            near |= {(key, one) for one in answered for key in at.get(one, ())}
            above[child] = nearest_first(value, near)
    return above


class GivenSurroundings:
    """:class:`services.domain.surroundings.Surroundings` of one of the given mails; their texts are not kept."""

    def __init__(
        self, asking: UUID, by_id: Mapping[UUID, Sequence[UUID]], ids: Mapping[UUID, UUID], evidence: Evidence
    ) -> None:
        self._asking = asking
        self._by_id = by_id
        self._ids = ids
        self._evidence = evidence

    def related(self, one: Target, other: Target) -> bool:
        """See :meth:`services.domain.surroundings.Surroundings.related`."""
        return not self._ancestors(one).isdisjoint(self._ancestors(other))

    def above(self, one: Target, other: Target) -> bool:
        """See :meth:`services.domain.surroundings.Surroundings.above`."""
        found: set[UUID] = set()
        waiting = self._named(other.message_key)
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            sharing = self._by_id.get(name, ())
            if len(sharing) == 1 and sharing[0] != self._asking:
                waiting += self._named(sharing[0])
        return self._ids[one.message_key] in found

    def _named(self, key: UUID) -> list[UUID]:
        return [piece.target for piece in self._evidence.get(key, ()) if piece.kind in POINTS_AT_IDS]

    def text(self, target: Target) -> str:  # noqa: ARG002 - the protocol's
        """See :meth:`services.domain.surroundings.Surroundings.text`."""
        return ""

    def _ancestors(self, target: Target) -> set[UUID]:
        found: set[UUID] = set()
        waiting = [self._ids[target.message_key]]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            for key in self._by_id.get(name, ()):
                if key != self._asking:
                    pieces = self._evidence.get(key, ())
                    waiting += [p.target for p in pieces if p.kind in POINTS_AT_IDS or p.kind == Kind.ALIAS]
        return found
