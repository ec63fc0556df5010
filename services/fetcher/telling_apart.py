"""
Mails that may be known already, told apart before they are handed over: by their bytes, never by their place alone.

A server that numbers a folder anew, or comes back to numbers it had, puts other mails in known places; a router that
had no answer hands the same mails in again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from services.domain.identity import delivery_id_other, delivery_id_pop3, uidl_other
from services.domain.renumbering import Former, equal, repeated
from services.fetcher import deliveries, former_places
from services.fetcher.deliveries import Database
from services.fetcher.former_places import Moves
from services.fetcher.handover import Arrival, Content, HeadersOnly, Stored
from services.fetcher.position import Position


@dataclass(frozen=True, slots=True)
class Apart:
    """The mails that are new, each under an id that no other has, and what becomes of deliveries that are known."""

    new: list[Arrival]
    moves: Moves


def apart(database: Database, mailbox: str, arrivals: Sequence[Arrival], at: Position | None) -> Apart:
    """
    Tell mails of one mailbox apart; ``at`` is the cursor of their folder, None where there is none.

    The same bytes at the same place are known and left out. Another mail at a known place is new, and the delivery that
    was there has no place any more, unless it is another of these mails. Below ``at.renumbered`` the bytes of a mail
    are looked for in former places first.
    """
    taken = deliveries.handled(database, [a.id for a in arrivals], [mailbox])
    there = _there(database, mailbox, arrivals)
    left = [a for a in arrivals if a.id not in there or not _repeated(a, there[a.id])]
    # Where one mail has lost its place to another, the rest of them may have new ones too.
    lost = [there[a.id] for a in left if a.id in there and a.uid is not None]
    doubtful = [a for a in left if lost or a.id in taken or _below(a, at)]
    places = {} if at is None else _places(database, doubtful, lost, at)
    new = _under_free_ids(database, [a for a in left if a.uid not in places], taken)
    return Apart(new, Moves(at, places, [former.id for former in lost]))


def _there(database: Database, mailbox: str, arrivals: Sequence[Arrival]) -> dict[UUID, Former]:
    """Return the deliveries at the places of these mails, by their ids; the place of a POP3 mail is its id."""
    by_uid = {
        a.id: (a.folder_id, a.uidvalidity, a.uid) for a in arrivals if a.uidvalidity is not None and a.uid is not None
    }
    at_uid = former_places.there(database, mailbox, list(by_uid.values()))
    found = former_places.named(database, mailbox, [a.id for a in arrivals if a.id not in by_uid])
    return {**found, **{id_: at_uid[place] for id_, place in by_uid.items() if place in at_uid}}


def _repeated(arrival: Arrival, there: Former) -> bool:
    return repeated(there, received=arrival.internal_date, size=arrival.size, sha256=_kept_hash(arrival))


def _below(arrival: Arrival, at: Position | None) -> bool:
    return at is not None and arrival.uid is not None and arrival.uid < at.renumbered


def _places(database: Database, arrivals: Sequence[Arrival], lost: Sequence[Former], at: Position) -> dict[int, UUID]:
    """Return, by UID, the deliveries of mails whose bytes are known; ``lost`` are those that have no place any more."""
    contents = {a.uid: _kept_hash(a) for a in arrivals if a.uid is not None and _kept_hash(a)}
    if not contents:
        return {}
    formers = former_places.with_content(database, arrivals[0].mailbox, at, list(contents.values()))
    return equal(contents, [*formers, *lost])


def _under_free_ids(database: Database, arrivals: Sequence[Arrival], taken: frozenset[UUID]) -> list[Arrival]:
    """Give those mails other ids whose own is another's."""
    free = [a for a in arrivals if a.id not in taken]
    others = [_under_another_id(a) for a in arrivals if a.id in taken]
    if not others:
        return free
    again = deliveries.handled(database, [a.id for a in others], {a.mailbox for a in others})
    # A POP3 mail has no place but its id; this one has its bytes in it, so it is known.
    return free + _under_free_ids(database, [a for a in others if a.uidl is None or a.id not in again], again)


def _under_another_id(arrival: Arrival) -> Arrival:
    if arrival.uidl is None:
        return replace(arrival, id=delivery_id_other(arrival.id, _hash(arrival)))
    uidl = uidl_other(arrival.uidl, _hash(arrival))
    return replace(arrival, id=delivery_id_pop3(arrival.mailbox, uidl), uidl=uidl)


def _kept_hash(arrival: Arrival) -> str:
    """Return the SHA-256 of a mail; empty when it is too large to be kept."""
    return "" if isinstance(arrival.content, HeadersOnly) else _hash(arrival)


def _hash(arrival: Arrival) -> str:
    match arrival.content:
        case Content(raw) | HeadersOnly(raw):
            return sha256(raw).hexdigest()
        case Stored(digest):
            return digest
