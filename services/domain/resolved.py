"""
What an address was resolved to stays: a directory that changes later changes nothing in the past.

Only what nobody was behind is looked up again (design: late resolution), and what a person has taken back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from services.domain.acceptance import Outcome
from services.domain.addresses import normalise, without_detail
from services.domain.directory import RecordRef
from services.domain.features import participants_of
from services.domain.forwarding import Wrapper, addresses_named
from services.domain.message import Message
from services.domain.parties import Party, Role
from services.domain.spoken import Said, Words

Records: TypeAlias = Mapping[tuple[Role, str], tuple[RecordRef, ...]]
"""What the addresses of an activity are resolved to; an empty tuple is an unresolved one."""

_NOTHING_AWAITED = frozenset({Outcome.DUPLICATE, Outcome.TOO_LARGE})


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the parties of an activity were resolved to, for whom it was accepted then, and who owned it."""

    acceptor: RecordRef | None = None
    records: Records = field(default_factory=dict)
    owner: RecordRef | None = None


UNRESOLVED = Resolved()


def records_of(parties: Iterable[Party]) -> Records:
    """Return what the addresses of these parties are resolved to; the owner is no address."""
    return {(party.role, party.address): party.records for party in parties if party.role != Role.OWNER}


def standing(records: Records, said: Said, words: Words) -> Records:
    """Return what stays of what was resolved: all but what a person has said and taken back."""
    if not said:
        return records
    gone = {place for place, command in said.items() if not words.stands(place[1], command)}
    return {place: () if place in gone else refs for place, refs in records.items()}


def awaited(
    outcome: Outcome, message: Message, mailboxes: Iterable[str], records: Records, wrapper: Wrapper | None = None
) -> frozenset[str]:
    """
    Return the addresses whose record, once there is one, could change what became of a delivery.

    Of an accepted one those are the unresolved parties'. Of a rejected one any: that of the sender or of a recipient
    whose filter would take it, and that of the mailbox, whose owner may be still unknown. An address with a detail
    (``ada+news@…``) is found under the plain one too, whether details are folded at the moment or not.
    """
    if outcome in _NOTHING_AWAITED:
        return frozenset()
    if outcome == Outcome.ACCEPTED:
        found = {address for (_, address), refs in records.items() if not refs}
    else:
        found = {*participants_of(message), *map(normalise, mailboxes)}
        if wrapper is not None:
            found |= addresses_named(wrapper, message)
    return frozenset({*found, *map(without_detail, found)} - {""})
