"""Settles a delivery: asks for its decision, and notes what that changes."""

from dataclasses import replace
from uuid import UUID

from services.domain.acceptance import Outcome
from services.domain.correlation import Looked
from services.domain.decide import TOKEN, UNCORRELATED, Decision, decide
from services.domain.facts import Facts, Policy
from services.domain.forwarding import attribute
from services.domain.identity import Direction
from services.domain.one_mail import told
from services.resolver import record_requests
from services.resolver.arrivals import Delivered
from services.resolver.changes import CODE_VERSION, DecisionRow, Filing
from services.resolver.filing import file, file_with, queues_of
from services.resolver.ledger import Current, Item, Ledger
from services.resolver.senders import gate, signed
from services.resolver.settings import Settings


def settle(item: Item, ledger: Ledger, filing: Filing, settings: Settings, *, cause: str) -> UUID | None:
    """
    Decide about one delivery and note what that changes; an outcome equal to the current one changes nothing.

    Returns the id of the message when its state has changed, so that what points at it must be decided again.

    An acceptance is withdrawn only where one activity is made of internal mail and the outgoing one is there: else only
    a person does that. What the message answers may still change.
    """
    delivered = item.delivered
    attribution = attribute(item.wrapper, item.message, settings.forwarding) if item.wrapper is not None else None
    receiving = attribution.mailbox if attribution else None
    facts = Facts(
        message=item.message,
        direction=delivered.direction,
        mailbox=receiving or delivered.mailbox,
        duplicate=ledger.duplicate(delivered, receiving or delivered.mailbox),
        pointers=tuple(ledger.pointers(delivered.message_key)),
        directory=ledger.directory,
        records=ledger.records,
        mailbox_owners=settings.mailbox_owners,
        options=settings.options,
        policy=settings.policy,
        tracked_by=delivered.tracked_by or _by_token(delivered, ledger, settings.policy),
        folder_record=settings.rules.get(delivered.tracked_by),
        attribution=attribution,
        opposite=ledger.opposite(delivered.message_key) is not None,
        words=ledger.words_of(delivered.message_key),
        aliases=ledger.aliases,
        around=ledger.around(delivered.message_key),
        signed=signed(delivered, item.message, settings.policy.dkim_keys, settings.blobs),
    )
    decision = decide(replace(facts, sender=gate(facts)))
    before = ledger.current.get(delivered.delivery_id)
    now = _current(decision, receiving, before, opposite=facts.opposite)
    ledger.deliveries.setdefault(delivered.message_key, {})[delivered.delivery_id] = delivered
    ledger.current[delivered.delivery_id] = now
    filing.told += [(delivered.message_key, one) for one in decision.told]
    elder = ledger.elder(delivered.message_key, delivered.direction)
    filed, changed, looked = None, False, decision.looked
    if now.outcome == Outcome.ACCEPTED:
        added = before is None or before.outcome != Outcome.ACCEPTED
        if elder is None:
            filed, changed = file(item, facts, decision, ledger, filing, added=added)
            place = (filed.message_key, filed.direction)
            looked += record_requests.consider(
                facts, decision, place, records=ledger.resolved.get(place, {}), source=delivered.source,
                own=settings.creating.get(filed.acceptor),
                hash_key=settings.hash_key, asking=filing.asking,
            )  # fmt: skip
        else:
            queued = queues_of(delivered, decision, facts, ledger)
            filed, changed = file_with(elder, item, facts, ledger, filing, queued=queued, added=added)
            looked = (*looked, told(filed.activity_id))
    elif before is not None and before.outcome == Outcome.ACCEPTED:
        filing.withdrawn.add(delivered.message_key)
    if now != before:
        known = ledger.known[delivered.message_key]
        filing.decisions.append(
            DecisionRow(
                delivered=delivered,
                current=now,
                activity_id=filed.activity_id if filed else None,
                looked=looked,
                correlation=decision.correlation,
                message_id=known.message_id,
                graph_version=known.graph_version,
                settings_version=settings.policy.version,
                code_version=CODE_VERSION,
                cause=cause,
                kind=decision.kind,
            )
        )
    return ledger.known[delivered.message_key].id_key if changed else None


def _by_token(delivered: Delivered, ledger: Ledger, policy: Policy) -> str:
    """Return what makes a mail of ours tracked that carries a token, or nothing."""
    key = delivered.message_key
    if delivered.direction == Direction.INCOMING or not policy.switches.tokens:
        return ""
    return TOKEN if any(ledger.tokens.carries(key, p.target) for p in ledger.evidence.get(key, ())) else ""


def gone(delivered: Delivered, ledger: Ledger, filing: Filing, settings: Settings, *, cause: str) -> None:
    """Note that a delivery that was not accepted cannot be decided again, because its content is gone."""
    before = ledger.current[delivered.delivery_id]
    if before.outcome in (Outcome.ACCEPTED, Outcome.CONTENT_GONE):
        return
    now = replace(before, version=before.version + 1, outcome=Outcome.CONTENT_GONE, asked=frozenset())
    known = ledger.known[delivered.message_key]
    why = "something it depends on has changed, but the raw mail is no longer stored"
    filing.decisions.append(
        DecisionRow(
            delivered=delivered,
            current=now,
            activity_id=None,
            looked=(Looked("content", "", None, counts=True, why=why),),
            correlation=UNCORRELATED,
            message_id=known.message_id,
            graph_version=known.graph_version,
            settings_version=settings.policy.version,
            code_version=CODE_VERSION,
            cause=cause,
        )
    )


def _current(decision: Decision, receiving: str | None, before: Current | None, *, opposite: bool) -> Current:
    target = decision.correlation.target
    new = Current(
        version=before.version if before else 1,
        outcome=decision.outcome,
        acceptor=decision.acceptor.ref if decision.acceptor else None,
        rank=decision.acceptor.rank if decision.acceptor else None,
        method=decision.correlation.method,
        correlated=target.message_key if target else None,
        receiving=receiving,
        effect=decision.correlation.effect,
        verified=decision.correlation.verified,
        asked=frozenset((review.kind, review.target) for review in decision.correlation.reviews),
    )
    if before is None:
        return new
    withdrawn = opposite and new.outcome == Outcome.INTERNAL_IGNORED
    if before.outcome == Outcome.ACCEPTED and new.outcome != Outcome.ACCEPTED and not withdrawn:
        new = replace(
            new, outcome=before.outcome, acceptor=before.acceptor, rank=before.rank, receiving=before.receiving
        )
    return before if new == before else replace(new, version=before.version + 1)
