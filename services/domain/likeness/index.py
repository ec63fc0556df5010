"""What the engine needs of an index: stored mails by key, how often people are seen, whether lists mark replies."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.domain.likeness.entries import Entry
from services.domain.likeness.keys import Key

MOST_PER_KEY = 16
"""How many mails are looked at under one key: the latest."""
MOST_PARTS = 64
"""How many parts of one series."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a batch of mails asks at once; all of it is answered in at most two round trips."""

    keys: Collection[Key] = ()
    people: Collection[int] = ()
    streams: Collection[int] = ()
    messages: Collection[UUID] = ()


@dataclass(frozen=True, slots=True)
class Habit:
    """How many replies that are known for certain had the mark of a reply on a list, and how many had none."""

    marked: int = 0
    unmarked: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """The answer. What is not stored is left out; the mails of a key come oldest stored first, bounded."""

    by_key: Mapping[Key, Sequence[Entry]]
    seen: Mapping[int, int]
    habits: Mapping[int, Habit]
    by_message: Mapping[UUID, Entry]


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail to be stored, under its keys; ``habit`` says whether a certain reply on ``stream`` had a mark."""

    entry: Entry
    keys: tuple[Key, ...]
    stream: int
    habit: bool | None


class Index(Protocol):
    """Stored mails. Both implementations pass the tests in tests/component/correlator/test_likeness.py."""

    def look_up(self, question: Question) -> Looked:
        """Return what is stored. ``Retry`` when the index cannot be reached or has to be rebuilt first."""
        ...

    def keep(self, mails: Sequence[Kept]) -> None:
        """Store mails; storing one again changes nothing but the counts."""
        ...
