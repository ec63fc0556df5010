"""When two messages are one mail under two ids, and which of their activities ends in the other."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.domain.correlation import Looked
from services.domain.identity import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An activity as far as it tells whether another one is of the same mail. ``parts`` are hashes of attachments."""

    activity_id: UUID
    message_key: UUID
    direction: Direction
    created: datetime
    author: str
    sent: datetime | None
    subject: str
    recipients: frozenset[str]
    text: str
    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """The younger activity ends in the elder one."""

    younger: Shown
    elder: Shown


def told(elder: UUID) -> Looked:
    """Return what the explanation of a decision says of it."""
    why = f"this is the same mail under another id: it is filed in the activity {elder}"
    return Looked("joined", "", None, counts=True, why=why)


def endings(activities: Iterable[Shown], ties: Iterable[Collection[UUID]]) -> list[Ending]:
    """
    Return which activities end in which: the eldest one of a mail stays.

    Being tied (one names the other's id as its former one, or both have one content) is not enough, since whoever
    sends a mail can say so: author, instant, subject, recipients, the whole text and all attachments are the same.
    """
    groups = _groups(ties)
    left = sorted(activities, key=lambda one: (one.created, one.activity_id))
    found: list[Ending] = []
    eldest: list[Shown] = []
    for one in left:
        group = groups.get(one.message_key, frozenset())
        elder = next((other for other in eldest if other.message_key in group and _same(one, other)), None)
        if elder is None:
            eldest.append(one)
        else:
            found.append(Ending(one, elder))
    return found


def _same(one: Shown, other: Shown) -> bool:
    if one.direction != other.direction or one.message_key == other.message_key:
        return False
    if one.sent is None or not one.author or not one.recipients:
        return False  # too little tells mails apart
    return _content(one) == _content(other)


def _content(one: Shown) -> tuple[object, ...]:
    text, subject = " ".join(one.text.split()), " ".join(one.subject.split())
    return one.author, one.sent, subject, one.recipients, text, sorted(one.parts)


def _groups(ties: Iterable[Collection[UUID]]) -> dict[UUID, frozenset[UUID]]:
    """Return the messages that are tied with each one, over any number of steps."""
    of: dict[UUID, set[UUID]] = {}
    for tie in ties:
        whole: set[UUID] = set()
        for key in tie:
            whole |= of.get(key, {key})
        for key in whole:
            of[key] = whole
    return {key: frozenset(group) for key, group in of.items()}
