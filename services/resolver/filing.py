"""Carries decisions out: what each decision changes, collected for one transaction, then written in batches."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from services import __version__
from services.domain.acceptance import Outcome
from services.domain.activity import Shape, shape
from services.domain.correlation import Correlation, Effect, Looked
from services.domain.decide import TOKEN, UNCORRELATED, Decision, Facts, Policy, decide
from services.domain.directory import RecordRef
from services.domain.forwarding import attribute
from services.domain.identity import Direction, activity_id, identity
from services.domain.kinds.rules import MailKind
from services.domain.kinds.telling import Told
from services.domain.one_mail import told
from services.domain.queue_items import queues
from services.domain.regardings import Regarding, Source, Spoken, decided
from services.domain.resolved import UNRESOLVED, Resolved, records_of, standing
from services.domain.smart_matching import Parameters
from services.domain.spoken import said_of
from services.resolver import record_requests
from services.resolver.arrivals import Delivered
from services.resolver.ledger import Current, Filed, Item, Ledger
from services.resolver.record_requests import Asking
from services.resolver.senders import gate, signed
from services.storage.blobs import BlobFolder

CODE_VERSION = __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """A decision to be written."""

    delivered: Delivered
    current: Current
    activity_id: UUID | None
    looked: tuple[Looked, ...]
    correlation: Correlation
    message_id: str
    graph_version: int
    settings_version: int
    code_version: str
    cause: str
    kind: MailKind = MailKind.ORDINARY


@dataclass(slots=True)
class Filing:
    """
    Everything one transaction will write. An activity that changes several times is written once.

    ``withdrawn`` are messages of which an incoming delivery is no longer accepted, ``ended`` by id the activities
    that are no more, and the one in which it has ended, if any.

    ``changed_ids`` are the ids of messages whose state has changed, ``changed_places`` their (root, value) where they
    have a Thread-Index. ``outrun`` are messages that were decided before
    something they point at changed, in this same transaction. ``told`` is what messages report of others,
    ``asking`` what the CRM is asked for, by the id of the request.
    """

    decisions: list[DecisionRow] = field(default_factory=list)
    activities: dict[UUID, tuple[Filed, Shape | None, Item]] = field(default_factory=dict)
    reasons: dict[UUID, set[str]] = field(default_factory=dict)
    withdrawn: set[UUID] = field(default_factory=set)
    ended: dict[UUID, UUID | None] = field(default_factory=dict)
    changed_ids: set[UUID] = field(default_factory=set)
    changed_places: set[tuple[UUID, str]] = field(default_factory=set)
    outrun: set[UUID] = field(default_factory=set)
    told: list[tuple[UUID, Told]] = field(default_factory=list)
    asking: dict[UUID, Asking] = field(default_factory=dict)

    @property
    def created(self) -> set[UUID]:
        """The activities that did not exist before this transaction."""
        return {activity for activity, reasons in self.reasons.items() if "created" in reasons}

    def note(self, filed: Filed, form: Shape | None, item: Item) -> None:
        """Note an activity; without a form its parties stay what an earlier note or the store says."""
        if form is None and filed.activity_id in self.activities:
            _, form, item = self.activities[filed.activity_id]
        self.activities[filed.activity_id] = (filed, form, item)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartMatching:
    """How smart matching works; unless it ``acts``, tracked mails are indexed and nothing is looked up."""

    parameters: Parameters
    acts: bool
    hash_key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    The settings as the resolver needs them; ``options`` and ``creating`` are users' and queues' own, ``rules`` the
    records of folder rules by their key, ``forwarding`` the mailboxes that receive by a forward mailbox. ``smart`` is
    None where the product's smart matching has no place. ``largest`` is the limit for whole mails in bytes; in
    ``blobs`` lie the mails whose signatures are checked.
    """

    policy: Policy
    mailbox_owners: Mapping[str, RecordRef]
    options: Mapping[RecordRef, int]
    creating: Mapping[RecordRef, str] = field(default_factory=dict)
    rules: Mapping[str, RecordRef] = field(default_factory=dict)
    forwarding: frozenset[str] = frozenset()
    hash_key: bytes = field(default=b"", repr=False)
    smart: SmartMatching | None = None
    largest: int = sys.maxsize
    blobs: BlobFolder | None = None


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
            filed, changed = _file(item, facts, decision, ledger, filing, added=added)
            place = (filed.message_key, filed.direction)
            looked += record_requests.consider(
                facts, decision, place, records=ledger.resolved.get(place, {}), source=delivered.source,
                own=settings.creating.get(filed.acceptor),
                hash_key=settings.hash_key, asking=filing.asking,
            )  # fmt: skip
        else:
            queued = _queues(delivered, decision, facts, ledger)
            filed, changed = _file_there(elder, item, facts, ledger, filing, queued=queued, added=added)
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


def _file(
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
        queues=(before.queues if before else frozenset()) | _queues(delivered, decision, facts, ledger),
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


def _file_there(
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


def _queues(delivered: Delivered, decision: Decision, facts: Facts, ledger: Ledger) -> frozenset[RecordRef]:
    """Return the queues that get an item by this delivery: none for what they have sent."""
    if delivered.direction == Direction.OUTGOING:
        return frozenset()
    first = [delivered.delivery_id] == [
        d.delivery_id for d in ledger.accepted(delivered.message_key, delivered.direction)
    ]
    return queues(decision.accepting, facts.policy.queue_items, first=first)


def differences(before: Filed | None, after: Filed) -> set[str]:
    """Name what has changed, in the words of the activity event."""
    if before is None:
        return {"created"}
    answers = _answers(before) != _answers(after)
    changes = {
        "correlated": answers,
        "regarding": before.regardings != after.regardings,
        "parties": (before.owner, before.acceptor) != (after.owner, after.acceptor),
        "queued": before.queues != after.queues,
    }
    return {name for name, changed in changes.items() if changed}


def _answers(filed: Filed) -> tuple[object, ...]:
    return filed.method, filed.correlated, filed.parent, filed.subject_changed, filed.branch, filed.verified
