"""What a correlation is: the evidence with the messages it points at, and the outcome with everything looked at."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from services.domain.directory import RecordRef
from services.domain.evidence import SOURCE, STRENGTH, Kind, Strength
from services.domain.evidence import Source as Found
from services.domain.identity import Direction
from services.domain.regardings import Regarding, Regardings, Source


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
    Kind.OWN_SUBJECT_TOKEN: Method.TRACKING_TOKEN,
    Kind.TRACKING_TOKEN: Method.TRACKING_TOKEN,
    Kind.THREAD_INDEX: Method.CONVERSATION_INDEX,
    Kind.SMART_MATCHING: Method.SMART_MATCHING,
    Kind.LIKENESS: Method.SMART_MATCHING,
    Kind.FOLDER: Method.FOLDER,
    Kind.MANUAL: Method.MANUAL,
}


@dataclass(frozen=True, slots=True)
class TrackedAs:
    """
    An activity that a target message has become.

    One that is not ``verified`` is linked to its conversation, and its sender does not belong to it.
    """

    activity_id: UUID
    direction: Direction
    regardings: Regardings
    owner: RecordRef | None
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """
    A stored message that evidence points at, with its activities (none: not tracked), participants and subject.

    A message that is not tracked keeps neither.
    """

    message_key: UUID
    message_id: str
    activities: tuple[TrackedAs, ...]
    participants: frozenset[str]
    subject: str = ""

    @property
    def admits(self) -> frozenset[str]:
        """The participants that belong to the conversation: an unverified mail brings nobody in, its sender least."""
        return self.participants if any(one.verified for one in self.activities) else frozenset()


@dataclass(frozen=True, slots=True)
class Pointer:
    """
    One piece of evidence with what is stored under the name it gives.

    ``targets`` are the messages: none, one, or several, which are a flagged pair under one id, and the mails of a
    conversation under one Thread-Index root, nearest first. ``record`` is the record that a folder gives.
    ``itself`` when it names the message itself, under another id.
    """

    kind: str
    value: str
    position: int
    cyclic: bool
    targets: tuple[Target, ...]
    record: RecordRef | None = None
    itself: bool = False

    @property
    def strength(self) -> Strength:
        """The strength class, which follows from the kind."""
        return STRENGTH[self.kind]

    @property
    def source(self) -> Found:
        """Where it was found, which follows from the kind."""
        return SOURCE[self.kind]


@dataclass(frozen=True, slots=True)
class Looked:
    """
    One thing that a decision looked at, for the explanation.

    ``cls`` is the strength class of evidence, ``N`` for what spoke against a link; ``source`` is where it was found.
    Both are empty for other things.
    """

    kind: str
    value: str
    points_to: str | None
    counts: bool
    why: str
    cls: str = ""
    source: str = ""


def plain(looked: Looked) -> dict[str, object]:
    """Return it for JSON; class and source only where there are any."""
    told = {"kind": looked.kind, "value": looked.value, "points_to": looked.points_to}
    more = {name: said for name, said in (("cls", looked.cls), ("source", looked.source)) if said}
    return {**told, "counts": looked.counts, "why": looked.why, **more}


class Effect(StrEnum):
    """What a mail does to the conversations that are there."""

    STARTS = "starts"
    JOINS = "joins"
    BRANCHES = "branches"  # in the conversation, about another matter


class ReviewKind(StrEnum):
    """What a person is asked to look at."""

    CONTRADICTION = "contradiction"  # strong evidence for messages that have nothing in common but this mail
    AMBIGUOUS = "ambiguous"  # several messages have the id, and it cannot be told which one is meant
    UNVERIFIED = "unverified"  # the sender does not belong to the conversation, or is not who it says
    SUGGESTION = "suggestion"  # likely, but not sure enough to link by itself


@dataclass(frozen=True, slots=True, order=True)
class Review:
    """A question for a person: whether the mail belongs to the message ``target``, which ``confidence`` speaks for."""

    kind: ReviewKind
    target: UUID
    confidence: float
    why: str


@dataclass(frozen=True, slots=True)
class Correlation:
    """
    The target that counts, or none, and everything that was looked at.

    ``rule`` names the line of the rule table that decided. An outcome that is not ``verified`` links and changes
    nothing else: no regarding, no owner follows from it. One that does not ``count`` is no reason to track the mail.
    """

    method: Method
    target: Target | None
    activity: TrackedAs | None
    looked: tuple[Looked, ...]
    rule: str = ""
    confidence: float = 0.0
    effect: Effect = Effect.STARTS
    subject_changed: bool = False
    verified: bool = True
    counts: bool = True
    reviews: tuple[Review, ...] = field(default=())

    @property
    def tracked(self) -> bool:
        """Whether the mail answers tracked mail, as filter option 1 asks (domain rule 2.2.7)."""
        return self.target is not None and self.counts

    @property
    def inherited(self) -> Regardings:
        """The records that follow from the correlated activity: all that it hangs off."""
        if self.activity is None or not self.verified:
            return ()
        why = str(self.activity.activity_id)
        return tuple(Regarding(one.record, Source.CORRELATED, why=why) for one in self.activity.regardings)

    @property
    def owner(self) -> RecordRef | None:
        """The owner that follows from the correlated activity."""
        return self.activity.owner if self.activity is not None and self.verified else None
