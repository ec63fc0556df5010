"""The decision about one delivery: whether it is filed, for whom, what it answers; each rule in its own module."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.domain.acceptance import (
    CC_RANK,
    Acceptance,
    Answer,
    Candidate,
    Outcome,
    accept,
)
from services.domain.candidates import candidates, internal_senders, types_at
from services.domain.correlation import Correlation, Looked, Method, Pointer
from services.domain.evidence import Kind
from services.domain.facts import Facts, principals_at
from services.domain.features import features_of, people_of
from services.domain.identity import Direction
from services.domain.internal import left_out
from services.domain.kinds.effects import REPORTS, permitted
from services.domain.kinds.rules import MailKind, classify
from services.domain.kinds.telling import Told, told
from services.domain.linking import correlate
from services.domain.message import Message, ParseOutcome, ReportForm
from services.domain.signatures import UNCHECKED


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
    asked = candidates(facts)
    internal = left_out(asked, facts.policy.internal, senders=internal_senders(facts), opposite=facts.opposite)
    acceptance = accept(
        [one for one in asked if one not in internal],
        correlated=correlation.tracked,
        counterparts=types_at(facts, others),
    )
    looked = (
        *forwarded,
        *correlation.looked,
        *(_asked(facts.direction, Answer(one, accepts=False, why=why)) for one, why in internal.items()),
        *_answers(acceptance, facts.direction, none=not asked),
    )
    if facts.tracked_by and acceptance.outcome != Outcome.ACCEPTED and asked:
        polled = principals_at(facts, facts.mailbox)
        owner = min(asked, key=lambda c: (c.ref not in polled, c.rank, c.address, c.ref))
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
