"""Which of the things a message points at counts: the correlated activity and the inherited regarding."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.domain.directory import RecordRef
from services.domain.evidence import Kind
from services.domain.identity import Direction


class Method(StrEnum):
    """How a mail was correlated (domain rule 3.3, plus References, Folder and Manual)."""

    NONE = "None"
    IN_REPLY_TO = "InReplyTo"
    REFERENCES = "References"
    TRACKING_TOKEN = "TrackingToken"  # noqa: S105 - no secret
    CONVERSATION_INDEX = "ConversationIndex"
    SMART_MATCHING = "SmartMatching"
    FOLDER = "Folder"
    MANUAL = "Manual"


METHOD_OF_KIND = {
    Kind.IN_REPLY_TO: Method.IN_REPLY_TO,
    Kind.REFERENCES: Method.REFERENCES,
    Kind.OWN_TOKEN: Method.TRACKING_TOKEN,
    Kind.TRACKING_TOKEN: Method.TRACKING_TOKEN,
    Kind.THREAD_INDEX: Method.CONVERSATION_INDEX,
    Kind.SMART_MATCHING: Method.SMART_MATCHING,
    Kind.LIKENESS: Method.SMART_MATCHING,
    Kind.FOLDER: Method.FOLDER,
    Kind.MANUAL: Method.MANUAL,
}


@dataclass(frozen=True, slots=True)
class Regarding:
    """The record an activity hangs off, and where that came from: correlated, folder or manual."""

    record: RecordRef
    source: str


@dataclass(frozen=True, slots=True)
class TrackedAs:
    """An activity that a target message has become."""

    activity_id: UUID
    direction: Direction
    regarding: Regarding | None
    owner: RecordRef | None


@dataclass(frozen=True, slots=True)
class Target:
    """A stored message that evidence points at, with its activities (none: not tracked) and participants."""

    message_key: UUID
    message_id: str
    activities: tuple[TrackedAs, ...]
    participants: frozenset[str]


@dataclass(frozen=True, slots=True)
class Pointer:
    """One piece of evidence with the messages stored under the id it names: none, one, or a flagged pair."""

    kind: str
    value: str
    position: int
    cyclic: bool
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that a decision looked at, for the explanation."""

    kind: str
    value: str
    points_to: str | None
    counts: bool
    why: str


@dataclass(frozen=True, slots=True)
class Correlation:
    """The target that counts, or none, and everything that was looked at."""

    method: Method
    target: Target | None
    activity: TrackedAs | None
    looked: tuple[Looked, ...]

    @property
    def inherited(self) -> Regarding | None:
        """The regarding that follows from the correlated activity."""
        if self.activity is None or self.activity.regarding is None:
            return None
        return Regarding(self.activity.regarding.record, "correlated")


def _plausible(targets: Sequence[Target], people: frozenset[str]) -> list[Target]:
    """Of several messages under one id, those that share a participant with this one."""
    return [t for t in targets if t.participants & people]


def _judge(pointer: Pointer, people: frozenset[str], *, headers: bool, smart: str) -> tuple[Target | None, str]:
    tracked = [t for t in pointer.targets if t.activities]
    if pointer.kind == Kind.SMART_MATCHING:
        return _by_likeness(tracked, smart)
    if not headers and pointer.kind != Kind.MANUAL:
        return None, "header correlation is switched off"
    if pointer.cyclic:
        return None, "messages that point at each other count for nothing"
    if not pointer.targets:
        return None, "no stored message has this id"
    if not tracked:
        return None, "the message with this id is not tracked"
    if len(pointer.targets) == 1:
        return tracked[0], "the message with this id is tracked"
    believed = _plausible(tracked, people)
    if len(believed) == 1:
        return believed[0], "of several messages with this id, the tracked one with a common participant"
    return None, "several messages have this id and it cannot be told which one is meant"


def _by_likeness(tracked: Sequence[Target], smart: str) -> tuple[Target | None, str]:
    if smart == "off":
        return None, "smart matching is switched off"
    if not tracked:
        return None, "the mail that is alike is not tracked"
    if smart == "suggest":
        return None, "a suggestion: smart matching may not link by itself"
    return tracked[0], "the newest tracked mail with such a subject and such people"


def correlate(
    pointers: Sequence[Pointer], *, direction: Direction, people: frozenset[str], headers: bool, smart: str = "off"
) -> Correlation:
    """
    Choose the nearest tracked target: In-Reply-To first, then References from right to left.

    ``people`` are the normalised addresses of this message's sender and recipients; they decide only where two
    messages share one id. The answer depends on the arguments alone, so whichever of two mails came first,
    both orders end alike once the later one is known.
    """
    looked: list[Looked] = []
    chosen: tuple[Target, Method] | None = None
    for pointer in sorted(pointers, key=lambda p: (p.position, p.kind, p.value)):
        target, why = _judge(pointer, people, headers=headers, smart=smart)
        named = ", ".join(t.message_id for t in pointer.targets) or None
        counts = target is not None and chosen is None
        if target is not None and chosen is not None:
            why = "a nearer one counts"
        if target is not None and chosen is None:
            chosen = (target, METHOD_OF_KIND[Kind(pointer.kind)])
        looked.append(Looked(pointer.kind, pointer.value, named, counts, why))
    if chosen is None:
        return Correlation(Method.NONE, None, None, tuple(looked))
    target, method = chosen
    # A reply answers what went the other way, where the target was tracked both ways.
    activity = min(target.activities, key=lambda a: (a.direction == direction, a.direction))
    return Correlation(method, target, activity, tuple(looked))
