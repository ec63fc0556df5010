"""Which mail of ours the tracking token in a subject means."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.domain.tracking_token import most_recent


@dataclass(frozen=True, slots=True)
class Carried:
    """A mail of ours that carries a token, and when it was sent by the clock of the server that has it."""

    message_key: UUID
    sent: datetime | None


@dataclass(frozen=True, slots=True)
class Tokens:
    """
    The tracking tokens of messages: what a piece of evidence (message, target) names under the prefixes in force, and
    the mails of ours that carry each token that was given out.
    """

    named: Mapping[tuple[UUID, UUID], str] = field(default_factory=dict)
    carrying: Mapping[str, Sequence[Carried]] = field(default_factory=dict)

    @property
    def messages(self) -> set[UUID]:
        """All messages that may be meant."""
        return {one.message_key for group in self.carrying.values() for one in group}

    def carries(self, message_key: UUID, target: UUID) -> bool:
        """Whether a message is one of ours that carries the token of this evidence."""
        return any(one.message_key == message_key for one in self.carriers(message_key, target))

    def meant(
        self,
        message_key: UUID,
        target: UUID,
        *,
        itself: Collection[UUID],
        tracked: Callable[[UUID], bool],
        at: datetime | None,
    ) -> UUID | None:
        """
        Return the message that the token of this evidence means to a mail that came in ``at`` this time, or None.

        The most recent tracked one; where none is tracked, the most recent.
        """
        group = self.carriers(message_key, target)
        others = [one for one in group if one.message_key not in itself]
        chosen = most_recent(
            [one for one in others if tracked(one.message_key)] or others,
            before=at,
            or_first=len(others) == len(group),
        )
        return chosen.message_key if chosen is not None else None

    def carriers(self, message_key: UUID, target: UUID) -> Sequence[Carried]:
        """Return the mails of ours that carry the token of this evidence."""
        return self.carrying.get(self.named.get((message_key, target), ""), ())
