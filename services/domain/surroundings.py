"""What a decision looks up only when it turns on it."""

from typing import Protocol

from services.domain.correlation import Target


class Surroundings(Protocol):
    """The state around a mail. Two answers to one question are equal within one decision."""

    def related(self, one: Target, other: Target) -> bool:
        """Whether the messages have an ancestor in common, or one is the other's, apart from the mail in question."""
        ...

    def above(self, one: Target, other: Target) -> bool:
        """Whether the other message goes back to the first one, by what it says itself and what is above it."""
        ...

    def text(self, target: Target) -> str:
        """Return the text of a tracked message, or nothing when it is not at hand."""
        ...


class Nothing:
    """Surroundings of which nothing is known: what is not known to be related is not, and nothing is quoted."""

    def related(self, one: Target, other: Target) -> bool:
        """See :class:`Surroundings`."""
        return one == other

    def above(self, one: Target, other: Target) -> bool:  # noqa: ARG002 - the protocol's
        """See :class:`Surroundings`."""
        return False

    def text(self, target: Target) -> str:  # noqa: ARG002 - the protocol's
        """See :class:`Surroundings`."""
        return ""


NOTHING = Nothing()
