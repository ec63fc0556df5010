"""What an accepted message looks like as an activity: parties, regarding, owner."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.domain.addresses import normalise
from services.domain.attachments import Attachments, attachments_of
from services.domain.correlation import Correlation, Method, Regarding
from services.domain.decide import Facts, principals_at
from services.domain.directory import CUSTOMERS, Record, RecordRef
from services.domain.identity import Direction
from services.domain.message import Mailbox
from services.domain.ownership import acting_owner, choose_owner
from services.domain.parties import Party, Role, resolve_recipient, resolve_sender

FOLDER = "folder"
"""Where a regarding came from that the rule of a folder gives."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The part of an activity that decisions make; content and places are added where it is stored."""

    parties: tuple[Party, ...]
    owner: RecordRef | None
    regarding: Regarding | None
    correlation: Correlation
    attachments: Attachments

    @property
    def parent(self) -> bool:
        """Whether the correlated activity is the parent: In-Reply-To and Thread-Index say so (rule 3.3)."""
        return self.correlation.method in (Method.IN_REPLY_TO, Method.CONVERSATION_INDEX)


def shape(facts: Facts, correlation: Correlation, acceptor: RecordRef) -> Shape:
    """
    Return what the activity of a message accepted by ``acceptor`` looks like.

    The acceptor is the least over all accepted deliveries of the message; the sender party and the owner follow
    from it. Several From mailboxes are one author and co-signers: the first is the sender (rule 4.2: exactly
    one).
    """
    sender = _sender(facts, acceptor)
    owner = _owner(facts, correlation, acceptor, sender)
    parties = [
        Party(Role.FROM, normalise(m.address), m.name, (sender.ref,) if sender else ()) for m in facts.message.from_[:1]
    ]
    for role, mailboxes in (
        (Role.TO, facts.message.to),
        (Role.CC, facts.message.cc),
        (Role.BCC, facts.message.bcc),
    ):
        parties.extend(_recipients(facts, role, mailboxes))
    if owner is not None:
        record = facts.records.get(owner)
        parties.append(Party(Role.OWNER, "", record.name if record else "", (owner,)))
    # The folder wins over what the mail answers (domain rule 3.6).
    regarding = Regarding(facts.folder_record, FOLDER) if facts.folder_record else correlation.inherited
    attachments = attachments_of(facts.message, facts.policy.attachments)
    return Shape(tuple(parties), owner, regarding, correlation, attachments)


def _sender(facts: Facts, acceptor: RecordRef) -> Record | None:
    address = normalise(facts.message.from_[0].address) if facts.message.from_ else ""
    record = facts.records.get(acceptor)
    return resolve_sender(
        facts.directory.get(address, ()),
        owner=acting_owner(record) if record else acceptor,
        max_matches=facts.policy.sender_max_matches,
        unresolve_on_multiple=facts.policy.sender_unresolve_on_multiple,
    )


def _recipients(facts: Facts, role: Role, mailboxes: Iterable[Mailbox]) -> Iterable[Party]:
    seen: set[str] = set()
    for mailbox in mailboxes:
        address = normalise(mailbox.address)
        if address in seen:
            continue
        seen.add(address)
        records = resolve_recipient(
            facts.directory.get(address, ()), unresolve_on_multiple=facts.policy.unresolve_on_multiple
        )
        yield Party(role, address, mailbox.name, records)


def _owner(facts: Facts, correlation: Correlation, acceptor: RecordRef, sender: Record | None) -> RecordRef | None:
    accepting = facts.records.get(acceptor)
    if facts.direction == Direction.OUTGOING:
        return acting_owner(accepting) if accepting else acceptor
    lists = [
        _principal_records(facts, mailboxes) for mailboxes in (facts.message.to, facts.message.cc, facts.message.bcc)
    ]
    return choose_owner(
        lists,
        correlated_owner=correlation.owner,
        sender_owner=sender.owner if sender is not None and sender.ref.type in CUSTOMERS else None,
        acceptor=accepting,
    )


def _principal_records(facts: Facts, mailboxes: Sequence[Mailbox]) -> list[Record]:
    refs = [ref for m in mailboxes for ref in principals_at(facts, normalise(m.address))]
    return [facts.records[ref] for ref in refs if ref in facts.records]
