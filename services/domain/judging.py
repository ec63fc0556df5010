"""What one piece of evidence is worth by its line of the rule table, whatever else there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.domain.correlation import Pointer, Review, ReviewKind, Target
from services.domain.correlation_rules import UNUSED, Mode, Rule, Smart, Switch, Switches
from services.domain.evidence import POINTS_AT_IDS, Kind, Strength
from services.domain.features import Features
from services.domain.forward_marks import forwards
from services.domain.tracking_token import shared

OFF = {
    Switch.HEADERS: "header correlation is switched off",
    Switch.TOKENS: "tracking tokens are switched off",
    Switch.SMART: "smart matching is switched off",
}
UNSHARED = "nobody of this mail takes part in the conversation of its token: it may have been guessed"
NAMES: Mapping[str, str] = {
    Kind.OWN_TOKEN: "token",
    Kind.OWN_SUBJECT_TOKEN: "token",
    Kind.TRACKING_TOKEN: "token",
    Kind.THREAD_INDEX: "thread index",
    Kind.SMART_MATCHING: "likeness",
    Kind.LIKENESS: "likeness",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """
    A piece of evidence with its worth: the target it stands for, or none, and why.

    ``likely`` is the target of evidence that may only suggest; ``against`` says that something speaks against a link.
    """

    pointer: Pointer
    rule: Rule | None
    target: Target | None
    why: str
    confidence: float = 0.0
    likely: Target | None = None
    reviews: tuple[Review, ...] = ()
    against: bool = False

    @property
    def hard(self) -> bool:
        """Whether it goes by itself, as likeness does not."""
        return self.pointer.strength in (Strength.OURS, Strength.HARD, Strength.PROVIDER)


def judge(pointer: Pointer, rule: Rule | None, features: Features, switches: Switches) -> Judged:
    """Return what a piece of evidence is worth to a mail with these features."""
    kind = pointer.kind
    name = NAMES.get(kind, "id")
    if rule is None:
        return Judged(pointer, None, None, UNUSED.get((switches.mode, kind), "nothing is decided by this"))
    if rule.switch is not None and not switches.on(rule.switch):
        return Judged(pointer, rule, None, OFF[rule.switch])
    if kind == Kind.FOLDER:
        return Judged(pointer, rule, None, "a person filed it under a record", rule.confidence or 0.0)
    if pointer.itself:
        return Judged(pointer, rule, None, "this is the same mail under another id")
    if pointer.cyclic:
        return Judged(pointer, rule, None, "messages that point at each other count for nothing")
    if not pointer.targets:
        return Judged(pointer, rule, None, f"no stored message has this {name}")
    tracked = [target for target in pointer.targets if target.activities]
    if not tracked:
        return Judged(pointer, rule, None, f"the message with this {name} is not tracked")
    return _meant(pointer, rule, tracked, features, switches)


def _meant(pointer: Pointer, rule: Rule, tracked: Sequence[Target], features: Features, switches: Switches) -> Judged:
    name = NAMES.get(pointer.kind, "id")
    common = [target for target in tracked if target.participants & features.people]
    why = f"the message with this {name} is tracked"
    if rule.people:
        if not common:
            return Judged(pointer, rule, None, "nobody takes part in both mails")
        target = common[0]
    elif len(pointer.targets) > 1 and pointer.kind in POINTS_AT_IDS:
        if len(common) != 1:
            why = "several messages have this id and it cannot be told which one is meant"
            asked = tuple(Review(ReviewKind.AMBIGUOUS, one.message_key, 0.5, why) for one in tracked)
            return Judged(pointer, rule, None, why, reviews=asked if switches.mode == Mode.BEST else ())
        target = common[0]
        why = "of several messages with this id, the tracked one with a common participant"
    else:
        target = tracked[0]
    if pointer.kind == Kind.TRACKING_TOKEN and not shared(
        features.sender, features.people, target.participants, features.own
    ):
        return Judged(pointer, rule, None, UNSHARED, rule.confidence or 0.0, likely=target)
    if rule.answer and switches.ignore_forwards:
        forward = forwards(features.marks, features.recipients, target.participants)
        if forward:
            return Judged(pointer, rule, None, f"the mail forwards this message: {forward}", against=True)
    return _sure(pointer, rule, target, why, switches)


def _sure(pointer: Pointer, rule: Rule, target: Target, why: str, switches: Switches) -> Judged:
    if rule.confidence is not None:
        confidence = rule.confidence
        low = False
    else:
        confidence = confidence_in(pointer.value)
        low = confidence < switches.link_threshold
        if confidence < switches.suggest_threshold:
            return Judged(pointer, rule, None, "it is not like enough to suggest anything", confidence)
        why = f"it is like a tracked message ({confidence:.2f})"
    if rule.switch == Switch.SMART and (low or switches.smart == Smart.SUGGEST):
        limit = "not enough to link by itself" if low else "likeness may only suggest"
        return Judged(pointer, rule, None, f"{why}: {limit}", confidence, likely=target)
    return Judged(pointer, rule, target, why, confidence)


def confidence_in(value: str) -> float:
    """Return the confidence at the end of what likeness says, "RULE confidence"; 0 when it says none."""
    try:
        confidence = float(value.rpartition(" ")[2])
    except ValueError:
        return 0.0
    return confidence if 0.0 <= confidence <= 1.0 else 0.0
