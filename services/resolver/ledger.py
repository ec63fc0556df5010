"""What a deciding transaction knows: the stored state around its messages, kept current while it decides."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from services.domain.acceptance import Outcome
from services.domain.correlation import Method, Pointer, Regarding, Target, TrackedAs
from services.domain.directory import Directory, Record, RecordRef
from services.domain.forwarding import Wrapper
from services.domain.identity import Direction
from services.domain.message import Message
from services.resolver.arrivals import Delivered


@dataclass(frozen=True, slots=True)
class Known:
    """A stored message."""

    message_key: UUID
    id_key: UUID
    message_id: str
    graph_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """
    The current decision about a delivery, without its explanation.

    ``receiving`` is the mailbox that a mail in a forward mailbox was forwarded for; None: the delivery's own.
    """

    version: int
    outcome: Outcome
    acceptor: RecordRef | None
    rank: int | None
    method: Method
    correlated: UUID | None
    receiving: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """An activity, as far as decisions make it."""

    activity_id: UUID
    message_key: UUID
    direction: Direction
    version: int
    method: Method
    correlated: UUID | None
    parent: UUID | None
    regarding: Regarding | None
    owner: RecordRef | None
    acceptor: RecordRef

    @property
    def manual(self) -> bool:
        """Whether a person has set the regarding."""
        return self.regarding is not None and self.regarding.source == "manual"


@dataclass(frozen=True, slots=True)
class Item:
    """One delivery to decide, with its content, and with the mail around it when it lies in a forward mailbox."""

    delivered: Delivered
    message: Message
    wrapper: Wrapper | None = None


@dataclass(frozen=True, slots=True)
class Pointed:
    """A stored piece of evidence."""

    target: UUID
    kind: str
    position: int
    value: str


@dataclass(slots=True, kw_only=True)
class Ledger:
    """
    The state that the decisions of one transaction read and change.

    ``filed`` and ``current`` are updated with every decision, so that later decisions of the batch see it.
    """

    known: dict[UUID, Known]
    by_id: dict[UUID, tuple[UUID, ...]]
    evidence: dict[UUID, tuple[Pointed, ...]]
    circling: AbstractSet[tuple[UUID, UUID]]
    participants: Mapping[UUID, frozenset[str]]
    filed: dict[tuple[UUID, Direction], Filed]
    deliveries: dict[UUID, dict[UUID, Delivered]]
    current: dict[UUID, Current]
    directory: Directory
    records: Mapping[RecordRef, Record]

    def pointers(self, message_key: UUID) -> Iterator[Pointer]:
        """Yield the evidence of a message with what is stored under the ids it names."""
        for piece in self.evidence.get(message_key, ()):
            named = [key for key in sorted(self.by_id.get(piece.target, ())) if key != message_key]
            # A forged copy that closes a circle takes nothing from the real mail under the same id.
            targets = tuple(self._target(key) for key in named if (message_key, key) not in self.circling)
            yield Pointer(piece.kind, piece.value, piece.position, bool(named) and not targets, targets)

    def _target(self, message_key: UUID) -> Target:
        filed = (self.filed.get((message_key, d)) for d in Direction)
        activities = tuple(TrackedAs(f.activity_id, f.direction, f.regarding, f.owner) for f in filed if f is not None)
        known = self.known[message_key]
        return Target(message_key, known.message_id, activities, self.participants.get(message_key, frozenset()))

    def duplicate(self, delivered: Delivered, receiving: str) -> bool:
        """Whether the same message was decided before in the same folder for this mailbox, under another delivery."""
        mine = self.current.get(delivered.delivery_id)
        if mine is not None:
            return mine.outcome == Outcome.DUPLICATE
        return any(
            other.delivery_id in self.current
            and (other.mailbox, other.folder) == (delivered.mailbox, delivered.folder)
            and (self.current[other.delivery_id].receiving or other.mailbox) == receiving
            and self.current[other.delivery_id].outcome != Outcome.DUPLICATE
            for other in self.deliveries.get(delivered.message_key, {}).values()
            if other.delivery_id != delivered.delivery_id
        )

    def acceptors(self, message_key: UUID, direction: Direction) -> Iterable[tuple[int, str, UUID, RecordRef]]:
        """
        Yield rank, mailbox, delivery and acceptor of every accepted delivery.

        The least one gives the activity its acceptor, and its copy of the mail the parties.
        """
        for delivery_id, delivered in self.deliveries.get(message_key, {}).items():
            decision = self.current.get(delivery_id)
            if delivered.direction == direction and decision is not None and decision.acceptor is not None:
                mailbox = decision.receiving or delivered.mailbox
                yield (decision.rank or 0, mailbox, delivery_id, decision.acceptor)

    def accepted(self, message_key: UUID, direction: Direction) -> list[Delivered]:
        """Return the accepted deliveries of a message in one direction: where its activity lies."""
        return [
            delivered
            for delivered in self.deliveries.get(message_key, {}).values()
            if delivered.direction == direction
            and delivered.delivery_id in self.current
            and self.current[delivered.delivery_id].outcome == Outcome.ACCEPTED
        ]
