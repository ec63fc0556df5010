"""Which of the things a mail points at counts: a pure function of its features, the evidence and the settings."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from services.domain.branches import quoted, quotes, subject_changed
from services.domain.correlation import (
    METHOD_OF_KIND,
    Correlation,
    Effect,
    Looked,
    Method,
    Pointer,
    Review,
    ReviewKind,
    Target,
)
from services.domain.correlation_rules import LINES, Mode, Rule, Switches
from services.domain.evidence import Kind, Strength
from services.domain.features import Features
from services.domain.judging import Judged, judge
from services.domain.reviewing import activity_answered, contradictions, in_order
from services.domain.sender_verdict import SenderVerdict
from services.domain.subjects import normalise_subject
from services.domain.surroundings import NOTHING, Surroundings

MOST_NAMED = 5
"""Messages that the explanation of one piece of evidence names."""


def plausible(target: Target) -> SenderVerdict:  # noqa: ARG001 - a gate that is open to everybody
    """Let every sender pass."""
    return SenderVerdict.PLAUSIBLE


def correlate(
    pointers: Sequence[Pointer],
    features: Features,
    switches: Switches,
    *,
    sender: Callable[[Target], SenderVerdict] = plausible,
    around: Surroundings = NOTHING,
) -> Correlation:
    """
    Decide by the rule table of the mode: its first line that hits, there the nearest message.

    The answer depends on the arguments alone, so whichever of two mails came first, both orders end alike once the
    later one is known. In compatible mode the first hit wins and no more is asked.
    """
    lines = LINES[switches.mode]
    ranked = sorted(((*lines.get(p.kind, (len(lines), None)), p) for p in pointers), key=_place)
    judged = [judge(pointer, rule, features, switches) for _, rule, pointer in ranked]
    best = switches.mode == Mode.BEST
    chosen = next((one for one in judged if one.target is not None or _filed(one)), None)
    if chosen is None or chosen.target is None or chosen.rule is None:
        return _unlinked(judged, chosen)
    said = chosen.pointer.kind == Kind.MANUAL  # by a person: nothing is asked any more
    verdict = sender(chosen.target) if best and not said else SenderVerdict.PLAUSIBLE
    distrusted = verdict != SenderVerdict.PLAUSIBLE
    if distrusted and not chosen.hard:
        why = "the sender does not belong to the conversation: likeness may only suggest"
        held = replace(chosen, target=None, likely=chosen.target, why=why)
        return _unlinked([held if one is chosen else one for one in judged], None)
    activity = activity_answered(chosen.target, features.direction)
    changed = subject_changed(features.subject, normalise_subject(chosen.target.subject))
    branch = best and not said and chosen.hard and changed and not _quotes(features.body, around.text(chosen.target))
    reviews = contradictions(judged, chosen.target, features.direction, around) if best and not said else []
    looked = _looked(judged, chosen)
    if distrusted:
        looked.append(Looked("sender", "", None, counts=True, why=_SENDER[verdict], cls=Strength.AGAINST))
    if distrusted and (verdict == SenderVerdict.FAILED or chosen.pointer.strength != Strength.OURS):
        reviews.append(Review(ReviewKind.UNVERIFIED, chosen.target.message_key, chosen.confidence, _SENDER[verdict]))
    if branch:
        why = "the subject differs and nothing of the message is quoted: another matter in the same conversation"
        looked.append(Looked("subject", "", None, counts=True, why=why, cls=Strength.AGAINST))
    return Correlation(
        method=METHOD_OF_KIND[chosen.rule.kind],
        target=chosen.target,
        activity=activity,
        looked=tuple(looked),
        rule=chosen.rule.name,
        confidence=chosen.confidence,
        effect=Effect.BRANCHES if branch else Effect.JOINS,
        subject_changed=changed,
        verified=not distrusted,
        counts=verdict != SenderVerdict.FAILED,
        reviews=in_order(reviews),
    )


def _place(one: tuple[int, Rule | None, Pointer]) -> tuple[object, ...]:
    """Return what puts evidence in order: its line, how near it is, and what tells the rest apart."""
    pointer = one[2]
    return one[0], pointer.position, pointer.value, pointer.kind, [target.message_key for target in pointer.targets]


_SENDER = {
    SenderVerdict.NEW_PARTICIPANT: "the sender is who it says but new here: linked as unverified, changes nothing",
    SenderVerdict.STRANGER: "the sender does not belong to the conversation: linked as unverified, changes nothing",
    SenderVerdict.FAILED: "the sender is not who it says: linked as unverified, changes nothing",
}


def _filed(one: Judged) -> bool:
    return one.pointer.record is not None and one.rule is not None and one.rule.kind == Kind.FOLDER


def _unlinked(judged: Sequence[Judged], chosen: Judged | None) -> Correlation:
    """Return the outcome without a target: filed by a person, or started, with what may be suggested."""
    looked = tuple(_looked(judged, chosen))
    asked = [review for one in judged for review in one.reviews]
    if chosen is not None and chosen.rule is not None:
        return Correlation(
            Method.FOLDER, None, None, looked, chosen.rule.name, chosen.confidence, reviews=in_order(asked)
        )
    asked += [
        Review(ReviewKind.SUGGESTION, one.likely.message_key, one.confidence, one.why)
        for one in judged
        if one.likely is not None
    ]
    return Correlation(Method.NONE, None, None, looked, reviews=in_order(asked))


def _quotes(body: str, original: str) -> bool:
    return quotes(body, original) if original else bool(quoted(body))


def _looked(judged: Sequence[Judged], chosen: Judged | None) -> list[Looked]:
    looked = []
    for one in judged:
        why = one.why
        if chosen is not None and one is not chosen and (one.target or one.likely or _filed(one)):
            nearer = one.rule is not None and chosen.rule is not None and one.rule.kind == chosen.rule.kind
            why = "a nearer one counts" if nearer or one.hard else "stronger evidence counts"
        named = ", ".join([t.message_id for t in one.pointer.targets[:MOST_NAMED]])
        if one.pointer.record is not None:
            named = f"{one.pointer.record.type}/{one.pointer.record.id}"
        cls = Strength.AGAINST if one.against else one.pointer.strength
        looked.append(
            Looked(one.pointer.kind, one.pointer.value, named or None, one is chosen, why, cls, one.pointer.source)
        )
    return looked
