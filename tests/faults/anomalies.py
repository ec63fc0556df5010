"""The names of what may be wrong, after Jepsen's Kafka workload, and of one case of it."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of anomalies."""

    LOST_WRITE = "lost-write"
    """Something that was acknowledged has no end state, and nothing is left that could still bring it."""
    DUPLICATE = "duplicate"
    """Two effects where one is promised."""
    ABORTED_READ = "aborted-read"
    """An effect of something that failed or was rolled back."""
    INCONSISTENT = "inconsistent"
    """Two sources disagree about one place, one delivery or one version."""
    POLL_SKIP = "poll-skip"
    """A stage committed past a record that has neither output nor dead letter."""
    NONMONOTONIC = "nonmonotonic"
    """Versions of one object, or a cursor, went back."""
    UNSEEN = "unseen"
    """Something is still on its way although the time for it is over."""
    UNEXPECTED = "unexpected-result"
    """The end state is another one than the rules give."""


@dataclass(frozen=True, slots=True, order=True)
class Anomaly:
    """One thing that must not be."""

    kind: Kind
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"
