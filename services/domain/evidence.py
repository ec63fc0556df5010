"""Which pieces of raw evidence a message has. Switches, prefixes and thresholds act later, in the resolver."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.domain.message import MessageId

MOST_IDS = 1_000
"""How many ids of one message are followed: a hostile header must not cost like a thousand mails."""


class Strength(StrEnum):
    """How far a piece of evidence goes by itself (the classes of evidence); the resolver decides what that allows."""

    OURS = "H1"  # a token only we can have made
    HARD = "H2"  # a header names an id, or the subject a token: enough, when the sender is plausible
    PROVIDER = "H3"  # a mail program's own thread id: enough, when people are in common
    SOFT = "S"  # supports; alone only above a threshold
    AGAINST = "N"  # speaks against, or limits what the others may do


class Kind(StrEnum):
    """The kinds of evidence. A new kind is added here, to ``STRENGTH`` and by a function that gathers it."""

    IN_REPLY_TO = "in_reply_to"
    REFERENCES = "references"
    OWN_TOKEN = "own_token"  # noqa: S105 - ours, with a MAC, in an id or a reply address
    OWN_SUBJECT_TOKEN = "own_subject_token"  # noqa: S105 - ours, with a MAC, in the subject
    TRACKING_TOKEN = "tracking_token"  # noqa: S105 - the numeric one, in the subject
    THREAD_INDEX = "thread_index"  # the root of a Thread-Index
    SMART_MATCHING = "smart_matching"  # the product's hashes of subject words and addresses
    LIKENESS = "likeness"  # subject, people, numbers, quoted text and attribution together
    FOLDER = "folder"  # a person filed the mail in a folder with a rule, or flagged it
    MANUAL = "manual"  # a person has said what the mail belongs to
    ALIAS = "alias"  # another id of the message itself, which a relay or provider has replaced
    REPORT = "report"  # a bounce, receipt or complaint tells of a mail that has this id
    COPY = "copy"  # what copies of one own mail have in common, whatever id a relay gave them


class Source(StrEnum):
    """Where a piece of evidence was found."""

    HEADER = "header"
    SUBJECT = "subject"
    CONTENT = "content"
    PERSON = "person"


STRENGTH: Mapping[str, Strength] = {
    Kind.IN_REPLY_TO: Strength.HARD,
    Kind.REFERENCES: Strength.HARD,
    Kind.OWN_TOKEN: Strength.OURS,
    Kind.OWN_SUBJECT_TOKEN: Strength.HARD,
    Kind.TRACKING_TOKEN: Strength.HARD,
    Kind.THREAD_INDEX: Strength.PROVIDER,
    Kind.SMART_MATCHING: Strength.SOFT,
    Kind.LIKENESS: Strength.SOFT,
    Kind.FOLDER: Strength.SOFT,
    Kind.ALIAS: Strength.HARD,
    Kind.COPY: Strength.HARD,
    Kind.REPORT: Strength.HARD,
    Kind.MANUAL: Strength.OURS,
}

SOURCE: Mapping[str, Source] = {
    Kind.IN_REPLY_TO: Source.HEADER,
    Kind.REFERENCES: Source.HEADER,
    Kind.OWN_TOKEN: Source.HEADER,
    Kind.OWN_SUBJECT_TOKEN: Source.SUBJECT,
    Kind.TRACKING_TOKEN: Source.SUBJECT,
    Kind.THREAD_INDEX: Source.HEADER,
    Kind.SMART_MATCHING: Source.CONTENT,
    Kind.LIKENESS: Source.CONTENT,
    Kind.FOLDER: Source.PERSON,
    Kind.MANUAL: Source.PERSON,
    Kind.ALIAS: Source.HEADER,
    Kind.COPY: Source.CONTENT,
    Kind.REPORT: Source.CONTENT,
}

POINTS_AT_IDS: frozenset[str] = frozenset({Kind.IN_REPLY_TO, Kind.REFERENCES, Kind.MANUAL})
"""The kinds whose target is the id of another message."""
NAMES_ITSELF: frozenset[str] = frozenset({Kind.ALIAS, Kind.COPY})
"""The kinds by which a message is found under another name; what answers that name answers the message."""
OWN_TOKENS: frozenset[str] = frozenset({Kind.OWN_TOKEN, Kind.OWN_SUBJECT_TOKEN})
"""The kinds whose target is half of the keyed hash of an id."""
JOINS = POINTS_AT_IDS | NAMES_ITSELF
"""The kinds that join threads in the graph. The others are judged by the resolver."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    One thing that a message points at.

    ``target`` is the keyed hash of the canonical id pointed at, whether such a message is stored or not, or of what
    the kind names else: the root of a Thread-Index, a token. ``value`` is the id as the mail has it, empty once it was
    erased. ``position`` counts over In-Reply-To and References together, over each other kind by itself: 0 is nearest.
    """

    kind: Kind
    position: int
    target: UUID
    value: str

    @property
    def strength(self) -> Strength:
        """The strength class, which follows from the kind."""
        return STRENGTH[self.kind]


@dataclass(frozen=True, slots=True)
class Gathered:
    """The evidence of one copy; ``truncated`` when there were more than :data:`MOST_IDS` pieces."""

    evidence: tuple[Evidence, ...]
    truncated: bool


def ordered(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return evidence in the one order in which it is stored and sent: kind, position, target."""
    return tuple(sorted(evidence, key=lambda e: (e.kind, e.position, e.target.int)))


def gather(
    own: MessageId,
    in_reply_to: Sequence[MessageId],
    references: Sequence[MessageId],
    *,
    key: Callable[[MessageId], UUID],
) -> Gathered:
    """
    Return what the reply headers of a message point at (RFC 5322 section 3.6.4).

    Nearest first: the In-Reply-To ids in their order, then the References from right to left. An id that
    stands in both is listed in both kinds. Self-references are dropped, of repeats the nearest counts. Of
    more than :data:`MOST_IDS` the nearest and the farthest one, which names the root, are followed. Linear.
    """
    near = [i for i in dict.fromkeys(in_reply_to) if i != own]
    far = [i for i in dict.fromkeys(reversed(references)) if i != own]
    pieces = [(Kind.IN_REPLY_TO, i) for i in near] + [(Kind.REFERENCES, i) for i in far]
    numbered = list(enumerate(pieces))
    truncated = len(numbered) > MOST_IDS
    if truncated:
        numbered = [*numbered[: MOST_IDS - 1], numbered[-1]]
    return Gathered(ordered(Evidence(kind, n, key(i), i) for n, (kind, i) in numbered), truncated)
