"""Links between given mails that ids leave alone: by likeness, each mail looking at those before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.cli.simulation.placing import KEY, Placing
from services.domain.evidence import Kind
from services.domain.likeness.finding import Shown, find
from services.domain.likeness.hashing import hasher
from services.domain.likeness.memory_index import MemoryIndex
from services.domain.likeness.rules import LINK
from services.resolver.arrivals import Arrival

BATCH = 500
_IDS = (Kind.IN_REPLY_TO, Kind.REFERENCES)


@dataclass(frozen=True, slots=True)
class Link:
    """The message that a mail most probably answers, by which rule, and how sure that is."""

    target: UUID
    rule: str
    confidence: float


def liken(placing: Placing, *, least: float = LINK) -> Mapping[UUID, Link]:
    """
    Return the links of this confidence at least, by message key.

    The mails come in the order of their Date; undated ones as they were received. A mail has a link only where no id
    names a mail that is given, and only to one that came before it.
    """
    given = {arrival.id_key: arrival.delivered.message_key for arrival in placing.arrivals}
    hashed, index, mails = hasher(KEY), MemoryIndex(), ordered(placing)
    links: dict[UUID, Link] = {}
    for start in range(0, len(mails), BATCH):
        batch = mails[start : start + BATCH]
        answers = find([_shown(placing, arrival, given) for arrival in batch], index, hashed)
        for arrival, found in zip(batch, answers, strict=True):
            if found is not None and found.confidence >= least:
                links[arrival.delivered.message_key] = Link(given[found.target], found.rule, found.confidence)
    return links


def ordered(placing: Placing) -> Sequence[Arrival]:
    """Return the first copy of each mail, in the order of their Date; undated ones as they were received."""
    copies = {arrival.delivered.message_key: arrival for arrival in reversed(placing.arrivals)}
    return sorted(copies.values(), key=lambda a: a.message.date or a.delivered.internal_date)


def answered(arrival: Arrival, given: Mapping[UUID, UUID]) -> tuple[UUID, ...]:
    """Return the ids of given mails that a mail names, nearest first."""
    return tuple(one.target for one in arrival.evidence if one.kind in _IDS and one.target in given)


def _shown(placing: Placing, arrival: Arrival, given: Mapping[UUID, UUID]) -> Shown:
    thread = placing.graph.thread_of(arrival.id_key) or 0
    received = arrival.delivered.internal_date
    return Shown(arrival.id_key, arrival.message, received, thread, answered(arrival, given))


def joined(placing: Placing, links: Mapping[UUID, Link]) -> Mapping[UUID, int]:
    """Return the thread of each id, threads that a link joins under one number: the smallest."""
    thread_of = {a.id_key: placing.graph.thread_of(a.id_key) or 0 for a in placing.arrivals}
    by_message = {a.delivered.message_key: thread_of[a.id_key] for a in placing.arrivals}
    winner: dict[int, int] = {}

    def today(thread: int) -> int:
        root = thread
        while root in winner:
            root = winner[root]
        while thread != root:
            winner[thread], thread = root, winner[thread]
        return root

    for message, link in links.items():
        one, other = sorted((today(by_message[message]), today(by_message[link.target])))
        if one != other:
            winner[other] = one
    return {id_key: today(thread) for id_key, thread in thread_of.items()}
