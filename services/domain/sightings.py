"""
What copies of a message add to each other: the least common account of all of them, whatever came first.

A message may arrive many times: redelivered, from several mailboxes, through a list that cut or added
References. Everything here is commutative and idempotent, so that the stored result does not depend on the
order of the copies.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from services.domain.evidence import JOINS, Evidence, Kind, ordered
from services.domain.message import MessageId

EdgeKey: TypeAlias = tuple[Kind, UUID]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One copy of a message: its keys, its canonical id, and what this copy points at."""

    message: UUID
    own: UUID
    mid: MessageId
    evidence: tuple[Evidence, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """The result for a message: its thread, the graph version, and the evidence of all copies, in order."""

    message: UUID
    own: UUID
    thread: int
    version: int
    evidence: tuple[Evidence, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """
    What the graph has of a message. ``removed`` are targets whose edge a person has removed.

    ``thread`` is the one of today: merges are already resolved. Of the edges that people made, only those that hold
    are among ``edges``.
    """

    thread: int
    version: int
    truncated: bool
    edges: Mapping[EdgeKey, Evidence] = field(default_factory=dict)
    removed: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Addition:
    """
    What a sighting adds to the graph: edges that are new or nearer than before, and the targets its id joins.

    ``joins`` are targets of the kinds that join threads, without those that the message is tied to already: what a
    person has cut stays cut.
    """

    message: UUID
    own: UUID
    mid: MessageId
    edges: tuple[Evidence, ...]
    joins: tuple[UUID, ...]
    truncated: bool


def _nearest(pieces: Iterable[Evidence]) -> dict[EdgeKey, Evidence]:
    nearest: dict[EdgeKey, Evidence] = {}
    for piece in pieces:
        key = (piece.kind, piece.target)
        before = nearest.get(key)
        if before is None or piece.position < before.position:
            nearest[key] = piece
    return nearest


def unite(sightings: Iterable[Sighting]) -> dict[UUID, Sighting]:
    """Return one sighting per message: of each (kind, target) the nearest position of all its copies."""
    united: dict[UUID, Sighting] = {}
    for one in sightings:
        before = united.get(one.message)
        if before is None:
            united[one.message] = one
        elif one.evidence != before.evidence or one.truncated != before.truncated:
            pieces = _nearest((*before.evidence, *one.evidence)).values()
            united[one.message] = Sighting(
                one.message, one.own, one.mid, ordered(pieces), one.truncated or before.truncated
            )
    return united


def _joins(pieces: Iterable[Evidence]) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys(e.target for e in pieces if e.kind in JOINS))


def addition(sighting: Sighting, stored: Stored | None) -> Addition | None:
    """Return what a sighting adds to what is stored of its message, or None when that is nothing."""
    if stored is None:
        joins = _joins(sighting.evidence)
        return Addition(sighting.message, sighting.own, sighting.mid, sighting.evidence, joins, sighting.truncated)
    edges = []
    for piece in sighting.evidence:
        before = stored.edges.get((piece.kind, piece.target))
        if piece.target not in stored.removed and (before is None or piece.position < before.position):
            edges.append(piece)
    truncated = sighting.truncated or stored.truncated
    if not edges and truncated == stored.truncated:
        return None
    tied = {target for _, target in stored.edges}
    joins = tuple(target for target in _joins(edges) if target not in tied)
    return Addition(sighting.message, sighting.own, sighting.mid, tuple(edges), joins, truncated)


def additions(united: Mapping[UUID, Sighting], stored: Mapping[UUID, Stored]) -> list[Addition]:
    """Return what a batch adds, in the order of the message keys."""
    found = (addition(united[message], stored.get(message)) for message in sorted(united))
    return [one for one in found if one is not None]


def result(sighting: Sighting, stored: Stored | None, added: Addition | None, thread: int, version: int) -> Placed:
    """Return the result for a message, its addition (if any) being stored under ``thread`` and ``version``."""
    pieces: list[Evidence] = []
    if stored is not None:
        pieces += [e for e in stored.edges.values() if e.kind == Kind.MANUAL or e.target not in stored.removed]
    if added is not None:
        pieces += added.edges
    truncated = added.truncated if added is not None else stored is not None and stored.truncated
    return Placed(sighting.message, sighting.own, thread, version, ordered(_nearest(pieces).values()), truncated)
