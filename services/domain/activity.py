"""What an accepted message looks like as an activity: parties, folder, owner."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.domain.addresses import normalise
from services.domain.attachments import Attachments, attachments_of
from services.domain.correlation import Correlation, Method
from services.domain.directory import CUSTOMERS, PRINCIPALS, Record, RecordRef
from services.domain.facts import Facts, principals_at
from services.domain.identity import Direction
from services.domain.message import Mailbox
from services.domain.ownership import acting_owner, choose_owner
from services.domain.parties import Party, Role, resolve_recipient, resolve_sender
from services.domain.regardings import Regarding, Source
from services.domain.resolved import UNRESOLVED, Resolved


@dataclass(frozen=True, slots=True)
class Shape:
    """
    The part of an activity that one decision makes; content and places are added where it is stored.

    ``folder`` is the record that the rule of its folder gives.
    """

    parties: tuple[Party, ...]
    owner: RecordRef | None
    folder: Regarding | None
    correlation: Correlation
    attachments: Attachments

    @property
    def parent(self) -> bool:
        """Whether the correlated activity is the parent: In-Reply-To and Thread-Index say so (rule 3.3)."""
        return self.correlation.method in (Method.IN_REPLY_TO, Method.CONVERSATION_INDEX)


def shape(facts: Facts, correlation: Correlation, acceptor: RecordRef, before: Resolved = UNRESOLVED) -> Shape:
    """
    Return what the activity of a message accepted by ``acceptor`` looks like.

    The acceptor is the least over all accepted deliveries of the message; the sender party and the owner follow
    from it. Several From mailboxes are one author and co-signers: the first is the sender (rule 4.2: exactly
    one).

    What was resolved ``before`` stays, whatever the directory says by now; the sender is looked up again for another
    acceptor, and stays where that finds nobody. What a person says of an address comes before both.
    """
    sender, said = _sender(facts, acceptor, before)
    owner = _owner(facts, correlation, acceptor, sender, before)
    parties = [
        Party(Role.FROM, normalise(m.address), m.name, (sender.ref,) if sender else (), said)
        for m in facts.message.from_[:1]
    ]
    for role, mailboxes in (
        (Role.TO, facts.message.to),
        (Role.CC, facts.message.cc),
        (Role.BCC, facts.message.bcc),
    ):
        parties.extend(_recipients(facts, role, mailboxes, before))
    if owner is not None:
        record = facts.records.get(owner)
        parties.append(Party(Role.OWNER, "", record.name if record else "", (owner,)))
    folder = None
    if facts.folder_record is not None:
        folder = Regarding(facts.folder_record, Source.FOLDER, facts.mailbox, facts.tracked_by)
    attachments = attachments_of(facts.message, facts.policy.attachments)
    return Shape(tuple(parties), owner, folder, correlation, attachments)


def _sender(facts: Facts, acceptor: RecordRef, before: Resolved) -> tuple[Record | None, UUID | None]:
    """Return the sender, and the command of a person by whose word it is that."""
    address = normalise(facts.message.from_[0].address) if facts.message.from_ else ""
    word = facts.words.own.get(address)
    if word is None:
        found = _found_sender(facts, address, acceptor, before)
        if found is not None:
            return found, None
        word = facts.words.every.get(address)
    return (_kept(facts, [word.record])[0], word.command) if word is not None else (None, None)


def _found_sender(facts: Facts, address: str, acceptor: RecordRef, before: Resolved) -> Record | None:
    kept = _kept(facts, before.records.get((Role.FROM, address), ()))
    if kept and acceptor == before.acceptor:
        return kept[0]
    record = _accepting(facts, acceptor, before)
    found = resolve_sender(
        facts.records_at(address),
        owner=acting_owner(record, _standing(facts, before)) if record else acceptor,
        max_matches=facts.policy.sender_max_matches,
        unresolve_on_multiple=facts.policy.sender_unresolve_on_multiple,
    )
    return found or next(iter(kept), None)


def _accepting(facts: Facts, acceptor: RecordRef, before: Resolved) -> Record | None:
    if acceptor == before.acceptor and acceptor in facts.records:
        return _kept(facts, [acceptor])[0]
    return facts.records.get(acceptor)


def _standing(facts: Facts, before: Resolved) -> Mapping[RecordRef, Record]:
    """Return the records among which owners of queues are: who has owned this mail is none the less one of them."""
    if before.owner is None or before.owner not in facts.records or facts.records[before.owner].active:
        return facts.records
    return {**facts.records, before.owner: _kept(facts, [before.owner])[0]}


def _kept(facts: Facts, refs: Sequence[RecordRef]) -> list[Record]:
    """Return records as they count for mail of the past: they did when it was filed, whatever they are by now."""
    known = (facts.records.get(ref) or Record(ref, "", None, active=True, ordinal=0) for ref in refs)
    return [replace(record, active=True) for record in known]


def _recipients(facts: Facts, role: Role, mailboxes: Iterable[Mailbox], before: Resolved) -> Iterable[Party]:
    seen: set[str] = set()
    for mailbox in mailboxes:
        address = normalise(mailbox.address)
        if address in seen:
            continue
        seen.add(address)
        yield Party(role, address, mailbox.name, *_recipient(facts, role, address, before))


def _recipient(facts: Facts, role: Role, address: str, before: Resolved) -> tuple[tuple[RecordRef, ...], UUID | None]:
    """Return whom an address is, and the command of a person by whose word it is that."""
    word = facts.words.own.get(address)
    if word is None:
        records = before.records.get((role, address)) or resolve_recipient(
            facts.records_at(address), unresolve_on_multiple=facts.policy.unresolve_on_multiple
        )
        word = facts.words.every.get(address)
        if records or word is None:
            return records, None
    return (word.record,), word.command


def _owner(
    facts: Facts, correlation: Correlation, acceptor: RecordRef, sender: Record | None, before: Resolved
) -> RecordRef | None:
    accepting = _accepting(facts, acceptor, before)
    if facts.direction == Direction.OUTGOING:
        return acting_owner(accepting, _standing(facts, before)) if accepting else acceptor
    lists = [
        _principal_records(facts, role, mailboxes, before)
        for role, mailboxes in (
            (Role.TO, facts.message.to),
            (Role.CC, facts.message.cc),
            (Role.BCC, facts.message.bcc),
        )
    ]
    return choose_owner(
        lists,
        correlated_owner=correlation.owner,
        sender_owner=sender.owner if sender is not None and sender.ref.type in CUSTOMERS else None,
        acceptor=accepting,
        records=_standing(facts, before),
    )


def _principal_records(facts: Facts, role: Role, mailboxes: Sequence[Mailbox], before: Resolved) -> list[Record]:
    """Return the users and queues behind recipients: those of today, and those who were when it was filed."""
    found: dict[RecordRef, Record] = {}
    for address in (normalise(m.address) for m in mailboxes):
        for ref in principals_at(facts, address):
            if ref in facts.records:
                found.setdefault(ref, facts.records[ref])
        refs, said = _recipient(facts, role, address, before)
        earlier = before.records.get((role, address), ()) if said is None else refs
        kept = [ref for ref in earlier if ref.type in PRINCIPALS]
        found |= {record.ref: record for record in _kept(facts, kept)}
    return list(found.values())
