"""What the question looks at: what is kept of a decision, and what is known of the record today."""

from dataclasses import dataclass
from enum import StrEnum

from services.domain.acceptance import Outcome, Scope
from services.domain.correlation import Looked
from services.domain.directory import RecordRef
from services.domain.identity import Direction
from services.domain.parties import Party
from services.domain.regardings import Regardings


class Place(StrEnum):
    """Where a person may expect a record."""

    ACCEPTOR = "acceptor"
    REGARDING = "regarding"
    PARTY = "party"


@dataclass(frozen=True, slots=True)
class Pointed:
    """A message that the mail points at, as it is today, and the records that it is filed under."""

    message_id: str
    tracked: bool
    regardings: tuple[RecordRef, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """The activity that the mail has become, and from which records a person has taken it away."""

    acceptor: RecordRef
    regardings: Regardings
    parties: tuple[Party, ...]
    taken_away: frozenset[RecordRef] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    What is kept of the decision about a delivery: of mail that is not filed, no addresses.

    ``mailbox`` is the one that received it. ``answers`` is the id of the message that it answers by what counted.
    """

    outcome: Outcome
    direction: Direction
    mailbox: str
    acceptor: RecordRef | None
    looked: tuple[Looked, ...]
    verified: bool = True
    answers: str | None = None
    pointed: tuple[Pointed, ...] = ()
    filed: Filed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    The record that is asked about, as it is today. ``active`` is None when the directory does not have it.

    ``mailboxes`` are those that it owns, ``folders`` those whose rule gives it, ``scope`` whose filter is asked.
    """

    ref: RecordRef
    active: bool | None
    addresses: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    scope: Scope = Scope.ALL_RECIPIENTS


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the record is in the place, and why, or else what would have had to be true, a sentence each."""

    place: Place
    holds: bool
    sentences: tuple[str, ...]


def named(ref: RecordRef) -> str:
    """Name a record in a sentence."""
    return f"{ref.type} {ref.id}"


def listed(words: tuple[str, ...]) -> str:
    """Return words as a list in a sentence, the first few of many."""
    most = 5
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
