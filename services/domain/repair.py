"""
What people do to the thread graph: which links a change removes, and which threads the graph falls into then.

A link that was removed stays removed: the pair of ids is kept as a *cut*, and no later mail joins the two sides again
because it names both.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TypeAlias
from uuid import UUID

from services.domain.evidence import JOINS, NAMES_ITSELF, Evidence
from services.domain.sightings import Addition, Stored

Cuts: TypeAlias = Mapping[tuple[UUID, UUID], UUID]
"""Pairs of ids that a person has parted, with the command that did it."""


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """
    An edge that joins: the message ``child``, whose id is ``own``, points at ``target``.

    ``itself``: the target is another name of the message, so what points at either points at the message.
    """

    child: UUID
    own: UUID
    target: UUID
    itself: bool = False


def followers(links: Iterable[Link], of: UUID) -> frozenset[UUID]:
    """Return the ids of all messages that point at this id, directly or through others, and the id itself."""
    pointing: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for link in links:
        pointing[link.target].append(link.own)
    return _reached([of], pointing)


def pieces(ids: Iterable[UUID], links: Iterable[Link]) -> list[frozenset[UUID]]:
    """Return the components of the graph of these ids, in the order in which the ids name them."""
    beside: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for link in links:
        beside[link.own].append(link.target)
        beside[link.target].append(link.own)
    found: list[frozenset[UUID]] = []
    met: set[UUID] = set()
    for one in ids:
        if one not in met:
            found.append(_reached([one], beside))
            met |= found[-1]
    return found


def _reached(start: Iterable[UUID], steps: Mapping[UUID, Sequence[UUID]]) -> frozenset[UUID]:
    met = set(start)
    waiting = list(met)
    while waiting:
        for further in steps.get(waiting.pop(), ()):
            if further not in met:
                met.add(further)
                waiting.append(further)
    return frozenset(met)


def splitting(ids: AbstractSet[UUID], links: Sequence[Link], own: UUID) -> frozenset[Link]:
    """
    Return the links to remove so that a message and what follows from it are a thread of their own.

    These are all links from there to what the message points at and to whatever hangs together with that otherwise,
    ghosts included: a parent that comes later must not join the two again. What only the followers point at stays
    with them. Empty when the message points at nothing.
    """
    name = _names(ids, links)
    plain = [replace(one, own=name[one.own], target=name[one.target]) for one in links if not one.itself]
    after = followers(plain, name[own])
    elsewhere = [link for link in plain if link.own not in after and link.target not in after]
    named = {link.target for link in plain if link.own == name[own]} - after
    others = sorted(set(name.values()) - after)
    before = frozenset[UUID]().union(*(piece for piece in pieces(others, elsewhere) if piece & named))
    return frozenset(one for one in links if not one.itself and name[one.own] in after and name[one.target] in before)


def _names(ids: AbstractSet[UUID], links: Sequence[Link]) -> Mapping[UUID, UUID]:
    """Return for each id the one that stands for all names of the same message."""
    same = pieces(sorted(ids), [one for one in links if one.itself])
    return {one: min(names) for names in same for one in names}


def parted(ids: AbstractSet[UUID], links: Iterable[Link], own: UUID, seen: AbstractSet[UUID]) -> list[frozenset[UUID]]:
    """
    Return the pieces of a former thread that become threads of their own, by their least id; empty when it holds.

    The piece with the most messages keeps the thread, but not that of ``own``, the message that was parted from it,
    while there is another. ``seen`` are the ids that are no ghosts.
    """
    found = pieces(sorted(ids), links)
    stays = max(found, key=lambda piece: (own not in piece, len(piece & seen), _low(piece)))
    return sorted((piece for piece in found if piece != stays), key=min)


def _low(piece: frozenset[UUID]) -> int:
    return -min(piece).int


@dataclass(frozen=True, slots=True, order=True)
class Withheld:
    """An edge that a person's cut keeps from joining: it is stored as removed by the command that made the cut."""

    child: UUID
    target: UUID
    kind: str
    position: int
    command: UUID


def withhold(
    added: Sequence[Addition], stored: Mapping[UUID, Stored], cuts: Cuts
) -> tuple[list[Addition], list[Withheld]]:
    """
    Take out of what a batch adds the edges that would join what a person has parted; return both.

    Of two ids that were parted a message keeps the nearer one. So an answer stays on the side of what it answers,
    though its References name the other side too. What the message is tied to already stays.
    """
    if not cuts:
        return list(added), []
    kept, withheld = [], []
    for one in added:
        before = stored.get(one.message)
        names = {e.target for e in one.edges if e.kind in NAMES_ITSELF}
        tied = {one.own} | names | ({e.target for e in before.edges.values()} - before.removed if before else set())
        taken: dict[UUID, UUID] = {}
        for piece in sorted((e for e in one.edges if e.kind in JOINS - NAMES_ITSELF), key=_nearness):
            if piece.target in taken:
                continue
            command = _cut(tied, piece.target, cuts)
            if command is None:
                tied.add(piece.target)
            else:
                taken[piece.target] = command
        edges = tuple(e for e in one.edges if e.target not in taken)
        joins = tuple(target for target in one.joins if target not in taken)
        kept.append(replace(one, edges=edges, joins=joins) if taken else one)
        withheld += [
            Withheld(one.message, e.target, e.kind, e.position, taken[e.target]) for e in one.edges if e.target in taken
        ]
    return kept, withheld


def _nearness(piece: Evidence) -> tuple[int, UUID]:
    return piece.position, piece.target


def _cut(tied: Iterable[UUID], target: UUID, cuts: Cuts) -> UUID | None:
    found = [cuts[pair] for one in tied for pair in ((one, target), (target, one)) if pair in cuts]
    return min(found) if found else None
