"""Puts given mails into a thread graph in memory and into a mailbox, as fetcher and correlator would."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from uuid import UUID

from services.cli.simulation.given import Given
from services.domain.addresses import normalise
from services.domain.direction import direction
from services.domain.gathering import gather_all
from services.domain.identity import identity, keyed_hash
from services.domain.memory_graph import MemoryGraph
from services.domain.message import ParseOutcome
from services.domain.sightings import Placed, Sighting
from services.fetcher.folders import role
from services.resolver.arrivals import Arrival, Delivered, Pointing

BATCH = 500
KEY = b"simulation"  # keyed hashes need one; nothing of this is kept


@dataclass(slots=True)
class Placing:
    """What came of it: one arrival per mail, in order, the label of each message, and the graph at the end."""

    arrivals: list[Arrival] = field(default_factory=list)
    labels: dict[UUID, str] = field(default_factory=dict)
    graph: MemoryGraph = field(default_factory=MemoryGraph)


def place(mails: Iterable[Given], mailbox: str, folder: str, *, limit: int) -> Placing:
    """
    Return the mails as they would come to the resolver if they lay in this folder of this mailbox.

    One with more than ``limit`` bytes is too large.
    """
    placing = Placing()
    numbers = count(1)
    batch: list[tuple[Given, Sighting]] = []
    for given in mails:
        large = given.size > limit
        mail = replace(given, message=replace(given.message, outcome=ParseOutcome.TOO_LARGE)) if large else given
        batch.append((mail, _sighting(mail, mailbox, folder)))
        if len(batch) == BATCH:
            _take(placing, batch, numbers, normalise(mailbox), folder)
            batch = []
    _take(placing, batch, numbers, normalise(mailbox), folder)
    return placing


def _key(what: str, text: str) -> UUID:
    return keyed_hash(KEY, what, text)


def _sighting(mail: Given, mailbox: str, folder: str) -> Sighting:
    own = identity(mail.message)
    gathered = gather_all(own.message_id, mail.message, mailbox=mailbox, folder_role=role(folder, []), key=_key)
    message = _key("message", str(own))
    return Sighting(message, _key("id", own.message_id), own.message_id, gathered.evidence, gathered.truncated)


def _take(
    placing: Placing, batch: list[tuple[Given, Sighting]], numbers: Iterable[int], mailbox: str, folder: str
) -> None:
    placed = placing.graph.place([sighting for _, sighting in batch])
    for (mail, sighting), number in zip(batch, numbers, strict=False):
        placing.labels.setdefault(sighting.message, mail.label)
        delivered = _delivered(mail, sighting.message, number, mailbox, folder)
        placing.arrivals.append(_arrival(mail, sighting, placed[sighting.message], delivered))


def _delivered(mail: Given, message_key: UUID, number: int, mailbox: str, folder: str) -> Delivered:
    folder_role = role(folder, [])
    way, flag = direction(
        folder_role=folder_role,
        mailbox=mailbox,
        from_addresses=[m.address for m in mail.message.from_],
        own_authenticated=False,
    )
    return Delivered(
        delivery_id=UUID(int=number),
        message_key=message_key,
        direction=way,
        direction_flag=flag,
        source="simulation",
        mailbox=mailbox,
        folder=folder,
        folder_role=folder_role,
        uidvalidity=None,
        uid=number,
        internal_date=mail.received,
        blob_sha256=None,
        wrapper_messages=mail.wrapper.messages if mail.wrapper else None,
    )


def _arrival(mail: Given, sighting: Sighting, now: Placed, delivered: Delivered) -> Arrival:
    return Arrival(
        delivered=delivered,
        id_key=sighting.own,
        message_id=sighting.mid,
        thread=now.thread,
        graph_version=now.version,
        evidence=tuple(Pointing(e.kind, e.strength, e.position, e.target, e.value) for e in now.evidence),
        message=mail.message,
        wrapper=mail.wrapper,
    )
