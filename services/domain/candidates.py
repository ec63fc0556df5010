"""Who may accept a delivery: users and queues behind its addresses, each with the filter that is asked."""

from collections.abc import Iterable

from services.domain.acceptance import (
    CC_RANK,
    UNNAMED_RANK,
    Candidate,
    FilterOption,
    Scope,
    effective_option,
)
from services.domain.addresses import normalise
from services.domain.directory import RecordRef
from services.domain.facts import Facts, principals_at
from services.domain.identity import Direction
from services.domain.message import Mailbox


def candidates(facts: Facts) -> list[Candidate]:
    """
    Return whom a delivery may be for, each once, with the place that names it first and its filter.

    The owner of the mailbox comes behind those whom the header names; of mail that was sent only the owner is asked.
    """
    ranks: dict[RecordRef, tuple[int, str]] = {}
    polled = principals_at(facts, facts.mailbox)
    if facts.direction == Direction.INCOMING:
        for base, mailboxes in ((0, facts.message.to), (CC_RANK, facts.message.cc)):
            for place, mailbox in enumerate(mailboxes):
                address = normalise(mailbox.address)
                for ref in principals_at(facts, address):
                    ranks.setdefault(ref, (base + place, address))
        for ref in polled:
            ranks.setdefault(ref, (UNNAMED_RANK, facts.mailbox))
    else:
        ranks = dict.fromkeys(polled, (0, facts.mailbox))
    if facts.policy.scope == Scope.POLLING_MAILBOX:
        ranks = {ref: rank for ref, rank in ranks.items() if ref in polled}
    return [
        Candidate(ref, _option(facts, ref), rank, address, alias=rank < UNNAMED_RANK and facts.alias_of(address) == ref)
        for ref, (rank, address) in ranks.items()
    ]


def _option(facts: Facts, ref: RecordRef) -> FilterOption:
    p = facts.policy
    return effective_option(
        ref,
        facts.options.get(ref),
        force_users=p.force_users,
        user_default=p.user_default,
        queue_default=p.queue_default,
    )


def types_at(facts: Facts, mailboxes: Iterable[Mailbox]) -> frozenset[str]:
    """Return the types of the records behind these addresses."""
    return frozenset(r.ref.type for m in mailboxes for r in facts.records_at(normalise(m.address)))


def internal_senders(facts: Facts) -> frozenset[str]:
    """Return the types of the users and queues that have sent an incoming mail."""
    if facts.direction == Direction.OUTGOING:
        return frozenset()
    return frozenset(ref.type for m in facts.message.from_[:1] for ref in principals_at(facts, normalise(m.address)))
