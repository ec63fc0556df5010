"""Files a mail that is accepted: its activity, new or changed, or that of the same mail under another id."""

from dataclasses import replace

from services.domain.activity import shape
from services.domain.correlation import Effect
from services.domain.decide import Decision
from services.domain.directory import RecordRef
from services.domain.facts import Facts
from services.domain.identity import Direction, activity_id, identity
from services.domain.queue_items import queues
from services.domain.regardings import Regarding, Source, Spoken, decided
from services.domain.resolved import UNRESOLVED, Resolved, records_of, standing
from services.domain.spoken import said_of
from services.resolver.arrivals import Delivered
from services.resolver.changes import Filing, differences
from services.resolver.ledger import Filed, Item, Ledger


def file(
    item: Item, facts: Facts, decision: Decision, ledger: Ledger, filing: Filing, *, added: bool
) -> tuple[Filed, bool]:
    """Return the activity, and whether it changed in what others look at."""
    delivered = item.delivered
    key = (delivered.message_key, delivered.direction)
    before = ledger.filed.get(key)
    *_, chosen, acceptor = min(ledger.acceptors(*key))
    # One copy speaks for all, whichever is settled last: else two copies would take turns for ever.
    speaks = before is None or chosen == delivered.delivery_id
    resolved = ledger.resolved.get(key, {}) if before else {}
    said = ledger.said.get(key, {}) if before else {}
    stood = UNRESOLVED
    if before is not None:
        stood = Resolved(before.acceptor, standing(resolved, said, facts.words), before.owner)
    form = shape(facts, decision.correlation, acceptor, stood)
    correlated = decision.correlation.activity
    name = before.activity_id if before else activity_id(identity(item.message), delivered.direction)
    spoken = Spoken(ledger.taken_away.get(name, frozenset()), facts.policy.folder_wins)
    after = Filed(
        activity_id=name,
        message_key=delivered.message_key,
        direction=delivered.direction,
        version=before.version if before else 1,
        method=form.correlation.method,
        correlated=correlated.activity_id if correlated else None,
        parent=correlated.activity_id if correlated and form.parent else None,
        owner=form.owner if speaks or before is None else before.owner,
        acceptor=acceptor,
        subject=before.subject if before else item.message.subject,
        subject_changed=form.correlation.subject_changed,
        branch=form.correlation.effect == Effect.BRANCHES,
        verified=form.correlation.verified,
        kind=before.kind if before else decision.kind,
        queues=(before.queues if before else frozenset()) | queues_of(delivered, decision, facts, ledger),
        regardings=decided(
            before.regardings if before else (), form.folder, form.correlation.inherited, spoken, added=added
        ),
    )
    reasons = differences(before, after)
    changed = bool(reasons)
    if before is not None and added:
        reasons.add("delivery-added")
    if before is not None and speaks and (records_of(form.parties), said_of(form.parties)) != (resolved, said):
        reasons.add("parties")
    if not reasons:
        return after, False
    if before is not None and after.activity_id not in filing.reasons:
        after = replace(after, version=before.version + 1)
    ledger.filed[key] = after
    if speaks:
        ledger.resolved[key], ledger.said[key] = records_of(form.parties), said_of(form.parties)
    filing.note(after, form if speaks else None, item)
    filing.reasons.setdefault(after.activity_id, set()).update(reasons)
    return after, changed


def file_with(
    elder: Filed,
    item: Item,
    facts: Facts,
    ledger: Ledger,
    filing: Filing,
    *,
    queued: frozenset[RecordRef],
    added: bool,
) -> tuple[Filed, bool]:
    """
    Return the activity of the same mail under another id, and whether it changed in what others look at.

    It gets what a further copy of its mail would bring.
    """
    folder = None
    if facts.folder_record is not None:
        folder = Regarding(facts.folder_record, Source.FOLDER, facts.mailbox, facts.tracked_by)
    inherited = [one for one in elder.regardings if one.source == Source.CORRELATED]
    spoken = Spoken(ledger.taken_away.get(elder.activity_id, frozenset()), facts.policy.folder_wins)
    after = replace(
        elder,
        queues=elder.queues | queued,
        regardings=decided(elder.regardings, folder, inherited, spoken, added=added),
    )
    reasons = differences(elder, after)
    changed = bool(reasons)
    if added:
        reasons.add("delivery-added")
    if not reasons:
        return elder, False
    if after.activity_id not in filing.reasons:
        after = replace(after, version=elder.version + 1)
    ledger.filed[after.message_key, after.direction] = after
    filing.note(after, None, item)
    filing.reasons.setdefault(after.activity_id, set()).update(reasons)
    return after, changed


def queues_of(delivered: Delivered, decision: Decision, facts: Facts, ledger: Ledger) -> frozenset[RecordRef]:
    """Return the queues that get an item by this delivery: none for what they have sent."""
    if delivered.direction == Direction.OUTGOING:
        return frozenset()
    first = [delivered.delivery_id] == [
        d.delivery_id for d in ledger.accepted(delivered.message_key, delivered.direction)
    ]
    return queues(decision.accepting, facts.policy.queue_items, first=first)
