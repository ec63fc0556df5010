"""What a run has left: rows of PostgreSQL and records of the topics, as far as the judge looks at them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.history import Place


@dataclass(frozen=True, slots=True)
class Taken:
    """A row of ``fetcher.delivery``."""

    delivery: str
    place: Place
    sha256: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of ``resolver.delivery``."""

    delivery: str
    message: str
    direction: str
    place: Place
    sha256: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A row of ``resolver.decision``."""

    delivery: str
    version: int
    current: bool
    outcome: str
    activity: str | None


@dataclass(frozen=True, slots=True)
class Activity:
    """A row of ``resolver.activity``."""

    id: str
    message: str
    direction: str
    version: int


@dataclass(frozen=True, slots=True)
class Alert:
    """A row of ``alerter.alert``. One that was never ``shown`` only counts how often something failed in a row."""

    id: str
    key: str
    version: int
    open: bool
    shown: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """A cursor that was written, in the order of the writes."""

    mailbox: str
    folder: str
    uidvalidity: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Record:
    """
    A record on a topic. ``about`` is the delivery, activity, losing thread, request, alert or dead record it tells of.

    ``more`` is the raw mail's hash, the outcome, the state or nothing; ``digest`` stands for all bytes of the value.
    """

    partition: int
    offset: int
    about: str
    version: int = 0
    more: str = ""
    digest: str = ""
    poison: bool = False


@dataclass(frozen=True)
class State:
    """Everything. ``quiet`` says that nothing was left on its way within the time that was given."""

    quiet: bool = True
    taken: Sequence[Taken] = ()
    stored: Sequence[Stored] = ()
    decisions: Sequence[Decided] = ()
    activities: Sequence[Activity] = ()
    parties: Sequence[tuple[str, str, str]] = ()
    queue_items: Sequence[tuple[str, str]] = ()
    threads: Sequence[tuple[str, int]] = ()
    merged: Sequence[str] = ()
    dead: Sequence[tuple[str, int, int]] = ()
    alerts: Sequence[Alert] = ()
    requests: Sequence[str] = ()
    moves: Sequence[Moved] = ()
    topics: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    committed: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def records(self, topic: str) -> Sequence[Record]:
        return self.topics.get(topic, ())
