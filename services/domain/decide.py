"""The decision about one delivery: whether it is filed, for whom, what it answers; each rule in its own module."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.domain.acceptance import (
    CC_RANK,
    UNNAMED_RANK,
    Acceptance,
    Answer,
    Candidate,
    FilterOption,
    Outcome,
    Scope,
    accept,
    effective_option,
)
from services.domain.addresses import normalise, without_detail
from services.domain.attachments import AttachmentLimits
from services.domain.correlation import Correlation, Looked, Method, Pointer, Target
from services.domain.correlation_rules import Switches
from services.domain.directory import PRINCIPALS, USER, Directory, Record, RecordRef
from services.domain.evidence import Kind
from services.domain.features import features_of, people_of
from services.domain.forwarding import Attribution
from services.domain.identity import Direction
from services.domain.internal import InternalMail, left_out
from services.domain.kinds.effects import REPORTS, permitted
from services.domain.kinds.rules import MailKind, classify
from services.domain.kinds.telling import Told, told
from services.domain.linking import correlate, plausible
from services.domain.message import Mailbox, Message, ParseOutcome, ReportForm
from services.domain.queue_items import QueueItems
from services.domain.sender_verdict import SenderVerdict
from services.domain.signatures import UNCHECKED, Checked
from services.domain.signing_keys import Key, Name
from services.domain.spoken import NO_WORDS, Words
from services.domain.surroundings import NOTHING, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings that decisions look at, and their version."""

    version: int
    switches: Switches = field(default_factory=Switches)
    token_prefixes: tuple[str, ...] = ()
    trusted_authserv: tuple[str, ...] = ()
    dkim_keys: Mapping[Name, Key] = field(default_factory=dict)
    same_organisation: bool = False
    scope: Scope = Scope.ALL_RECIPIENTS
    force_users: int = -1
    user_default: int = 1
    queue_default: int = 0
    unresolve_on_multiple: bool = False
    apply_to_all: bool = True
    auto_create: str = "none"
    sender_unresolve_on_multiple: bool = False
    sender_max_matches: int = 100
    fold_details: bool = False
    attachments: AttachmentLimits = field(default_factory=AttachmentLimits)
    internal: InternalMail = field(default_factory=InternalMail)
    queue_items: QueueItems = field(default_factory=QueueItems)
    folder_wins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    Everything a decision may look at.

    ``mailbox_owners`` names the user or queue behind each mailbox that the settings give an owner;
    ``options`` are the principals' own filters; ``records`` the directory records that owners refer to;
    ``duplicate`` is true when the same message lies in the same folder under another delivery that was
    decided before. ``tracked_by`` is the folder rule or the keyword that makes it tracked whatever filters say, or
    empty; ``folder_record`` the record of the rule. ``mailbox`` is the one that received it: with an ``attribution``,
    the one it was forwarded for. ``opposite`` says whether the same message is filed as outgoing. ``words`` are what
    people say of its addresses: they name parties, and no filter asks for them. ``aliases`` are the other addresses of
    users and queues that people have confirmed: they name whom a mail is for, and no party.
    ``sender`` is the sender gate, ``around`` what is looked up when it matters, ``signed`` what our own check of the
    mail's signatures has found.
    """

    message: Message
    direction: Direction
    mailbox: str
    duplicate: bool
    pointers: tuple[Pointer, ...]
    directory: Directory
    records: Mapping[RecordRef, Record]
    mailbox_owners: Mapping[str, RecordRef]
    options: Mapping[RecordRef, int]
    policy: Policy
    tracked_by: str = ""
    folder_record: RecordRef | None = None
    attribution: Attribution | None = None
    opposite: bool = False
    words: Words = NO_WORDS
    aliases: Mapping[str, RecordRef] = field(default_factory=dict)
    sender: Callable[[Target], SenderVerdict] = plausible
    around: Surroundings = NOTHING
    signed: Callable[[], Checked] = lambda: UNCHECKED

    def records_at(self, address: str) -> tuple[Record, ...]:
        """Return the records of a normalised address; see :meth:`_looked_up`."""
        return self.directory.get(self._looked_up(address), ())

    def owner_of(self, address: str) -> RecordRef | None:
        """Return who owns the mailbox of a normalised address; see :meth:`_looked_up`."""
        return self.mailbox_owners.get(self._looked_up(address))

    def alias_of(self, address: str) -> RecordRef | None:
        """
        Return whose other address a normalised one is; see :meth:`_looked_up`.

        Nobody's, once another user or queue has it: who that is the directory says, and the mailboxes.
        """
        if not self.aliases or self.owner_of(address) is not None:
            return None
        if any(record.active and record.ref.type in PRINCIPALS for record in self.records_at(address)):
            return None
        return self.aliases.get(self._looked_up(address))

    def _looked_up(self, address: str) -> str:
        """Where details are folded, ``ada+news@…`` is ``ada@…``, unless somebody has exactly that address."""
        if not self.policy.fold_details or any(
            address in known for known in (self.directory, self.mailbox_owners, self.aliases)
        ):
            return address
        return without_detail(address)


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What becomes of a delivery and why.

    ``looked`` is everything that was looked at, in order; ``accepting`` are all whose filters take the message;
    ``told`` is what it reports of mails of ours, whatever becomes of itself.
    """

    outcome: Outcome
    acceptor: Candidate | None
    correlation: Correlation
    looked: tuple[Looked, ...]
    kind: MailKind = MailKind.ORDINARY
    told: tuple[Told, ...] = ()
    accepting: tuple[Candidate, ...] = ()


KEYWORD = "keyword"
"""What makes a mail tracked that a person has flagged with the keyword (domain rule 2.4)."""
TOKEN = "token"  # noqa: S105 - no secret
"""What makes a mail of ours tracked that was sent with a tracking token: it was drawn for an activity."""
_TRACKED = {KEYWORD: "a person has flagged it", TOKEN: "it was sent with a token that was given out"}
UNCORRELATED = Correlation(Method.NONE, None, None, ())


def principals_at(facts: Facts, address: str) -> tuple[RecordRef, ...]:
    """
    Return the users and queues behind an address: the owner of that mailbox, the directory's own, and whose other
    address it is.

    This looks at mailbox addresses, never at how parties are shown, so an address that a user shares with a
    contact still reaches the user (domain rule 4.3). Disabled ones are left out.
    """
    found = dict.fromkeys(r.ref for r in facts.records_at(address) if r.active and r.ref.type in PRINCIPALS)
    for named in (facts.owner_of(address), facts.alias_of(address)):
        if named is not None:
            record = facts.records.get(named)
            if record is None or record.active:
                found[named] = None
    return tuple(sorted(found, key=lambda ref: (ref.type != USER, ref.id)))


def _candidates(facts: Facts) -> list[Candidate]:
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


def _types_at(facts: Facts, mailboxes: Iterable[Mailbox]) -> frozenset[str]:
    return frozenset(r.ref.type for m in mailboxes for r in facts.records_at(normalise(m.address)))


def participants_of(message: Message) -> frozenset[str]:
    """Return the normalised addresses that become parties: the sender and the recipients."""
    lists = (message.from_[:1], message.to, message.cc, message.bcc)
    return frozenset(normalise(m.address) for mailboxes in lists for m in mailboxes)


def decide(facts: Facts) -> Decision:
    """
    Decide about one delivery.

    Pure: the same facts give the same decision, live, in a dry run and when decided again. Correlation comes
    first, because filter option 1 asks for it (domain rule 2.2.7).
    """
    classified = classify(facts.message)
    decision = _decide(facts, classified.kind)
    kinds = (Looked("kind", classified.kind, None, counts=True, why=classified.why),) if classified.why else ()
    return replace(decision, kind=classified.kind, looked=(*kinds, *decision.looked))


def _decide(facts: Facts, kind: MailKind) -> Decision:
    if facts.message.outcome == ParseOutcome.TOO_LARGE:
        why = "the whole mail is over the limit message.maxMb"
        return Decision(Outcome.TOO_LARGE, None, UNCORRELATED, (Looked("size", "", None, True, why),))
    forwarded = facts.attribution.looked if facts.attribution else ()
    if facts.attribution is not None and facts.attribution.outcome is not None:
        return Decision(facts.attribution.outcome, None, UNCORRELATED, forwarded)
    correlation = permitted(_correlation(facts), kind)
    if facts.duplicate:
        why = "the same message lies in this folder under an earlier delivery"
        looked = (*forwarded, *correlation.looked, Looked("delivery", "", None, True, why))
        # The earlier delivery has asked already.
        return Decision(Outcome.DUPLICATE, None, replace(correlation, reviews=()), looked)
    if kind in REPORTS and facts.direction == Direction.INCOMING and not facts.tracked_by:
        tells, about = told(facts.message, kind, facts.pointers, mailbox=facts.mailbox)
        if tells or _has_report(facts.message):
            if tells and correlation.target is None:
                correlation = replace(correlation, target=tells[0].target)
            looked = (*forwarded, *about, *correlation.looked)
            return Decision(Outcome.REPORT, None, correlation, looked, told=tells)
    others = facts.message.from_
    if facts.direction == Direction.OUTGOING:
        others = (*facts.message.to, *facts.message.cc, *facts.message.bcc)
    candidates = _candidates(facts)
    internal = left_out(candidates, facts.policy.internal, senders=_internal_senders(facts), opposite=facts.opposite)
    acceptance = accept(
        [one for one in candidates if one not in internal],
        correlated=correlation.tracked,
        counterparts=_types_at(facts, others),
    )
    looked = (
        *forwarded,
        *correlation.looked,
        *(_asked(facts.direction, Answer(one, accepts=False, why=why)) for one, why in internal.items()),
        *_answers(acceptance, facts.direction, none=not candidates),
    )
    if facts.tracked_by and acceptance.outcome != Outcome.ACCEPTED and candidates:
        polled = principals_at(facts, facts.mailbox)
        owner = min(candidates, key=lambda c: (c.ref not in polled, c.rank, c.address, c.ref))
        why = _TRACKED.get(facts.tracked_by, "it lies in a folder that has a rule")
        return Decision(
            Outcome.ACCEPTED,
            owner,
            correlation,
            (*looked, Looked("tracked", facts.tracked_by, f"{owner.ref.type}/{owner.ref.id}", counts=True, why=why)),
            accepting=(owner,),
        )
    accepting = tuple(answer.candidate for answer in acceptance.answers if answer.accepts)
    if internal and not accepting:
        return Decision(Outcome.INTERNAL_IGNORED, None, correlation, looked)
    return Decision(acceptance.outcome, acceptance.acceptor, correlation, looked, accepting=accepting)


def _internal_senders(facts: Facts) -> frozenset[str]:
    """Return the types of the users and queues that have sent an incoming mail."""
    if facts.direction == Direction.OUTGOING:
        return frozenset()
    return frozenset(ref.type for m in facts.message.from_[:1] for ref in principals_at(facts, normalise(m.address)))


def _has_report(message: Message) -> bool:
    """Whether it has the parts of a report; what only words tell may be the letter of a person."""
    return message.report is not None and message.report.form != ReportForm.TEXT


def _correlation(facts: Facts) -> Correlation:
    pointers = tuple(one for one in facts.pointers if one.kind != Kind.REPORT)
    if facts.folder_record is not None:
        filed = Pointer(Kind.FOLDER, facts.tracked_by, 0, cyclic=False, targets=(), record=facts.folder_record)
        pointers = (*pointers, filed)
    if not pointers:
        return UNCORRELATED
    people = people_of(facts.message)
    own = frozenset(one for one in people if one == facts.mailbox or principals_at(facts, one))
    features = features_of(facts.message, facts.direction, own=own)
    found = correlate(pointers, features, facts.policy.switches, sender=facts.sender, around=facts.around)
    checked = UNCHECKED if found.verified else facts.signed()
    if not checked.name:
        return found
    told = Looked("signature", checked.name, None, counts=checked.good, why=checked.why)
    return replace(found, looked=(*found.looked, told))


def _place(candidate: Candidate, direction: Direction) -> str:
    """Where the candidate stands, without its address: rejected mail keeps none."""
    if direction == Direction.OUTGOING or not candidate.named:
        return "mailbox"
    alias = ", by an alias" if candidate.alias else ""
    if candidate.rank >= CC_RANK:
        return f"cc {candidate.rank - CC_RANK + 1}{alias}"
    return f"to {candidate.rank + 1}{alias}"


def _asked(direction: Direction, answer: Answer, *, counts: bool = False) -> Looked:
    ref = answer.candidate.ref
    return Looked("filter", _place(answer.candidate, direction), f"{ref.type}/{ref.id}", counts, answer.why)


def _answers(acceptance: Acceptance, direction: Direction, *, none: bool) -> Iterable[Looked]:
    if none:
        yield Looked("filter", "", None, counts=False, why="neither the header nor the mailbox names a user or queue")
    decided = False
    for answer in acceptance.answers:
        counts = answer.accepts and not decided
        decided = decided or answer.accepts
        yield _asked(direction, answer, counts=counts)
