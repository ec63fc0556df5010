"""What a deciding transaction knows: the stored state around its messages, kept current while it decides."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from uuid import UUID

from services.domain.acceptance import Outcome
from services.domain.carried import Tokens
from services.domain.correlation import Method, Pointer, ReviewKind, Target, TrackedAs
from services.domain.directory import Directory, Record, RecordRef
from services.domain.evidence import NAMES_ITSELF, OWN_TOKENS, Kind
from services.domain.forwarding import Wrapper
from services.domain.identity import Direction
from services.domain.message import Message
from services.domain.regardings import Regardings, Source
from services.domain.resolved import Records
from services.domain.spoken import Said, Word, Words
from services.domain.surroundings import NOTHING, Surroundings
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
    effect: str = ""
    verified: bool = True
    asked: frozenset[tuple[ReviewKind, UUID]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """An activity, as far as decisions make it, and the subject with which it was first filed."""

    activity_id: UUID
    message_key: UUID
    direction: Direction
    version: int
    method: Method
    correlated: UUID | None
    parent: UUID | None
    owner: RecordRef | None
    acceptor: RecordRef
    subject: str = ""
    subject_changed: bool = False
    branch: bool = False
    verified: bool = True
    kind: str = ""
    queues: frozenset[RecordRef] = frozenset()
    regardings: Regardings = ()

    @property
    def manual(self) -> bool:
        """Whether a person has said what it hangs off."""
        return any(one.source == Source.MANUAL for one in self.regardings)


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
    ``named`` are the messages that are found under an id that is not their own, ``same`` those that are the same mail
    under another id, ``joined`` the message in whose activity one of them is filed, ``above`` those that a Thread-Index
    places above, nearest first. ``around`` gives what is looked up only when a decision about a message turns on it.
    ``tokens`` are the tracking tokens in subjects. ``resolved`` is what the addresses of activities are resolved to, of
    the messages under decision, ``said`` by whose word, and ``words`` and ``words_on_all`` what people say of
    addresses, by message and of all mail. ``taken_away`` are the records that people have taken away from an activity,
    by its id. ``aliases`` are the other addresses of users and queues.
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
    named: Mapping[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    same: Mapping[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    joined: Mapping[tuple[UUID, Direction], UUID] = field(default_factory=dict)
    above: Mapping[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    around: Callable[[UUID], Surroundings] = lambda _: NOTHING
    tokens: Tokens = field(default_factory=Tokens)
    resolved: dict[tuple[UUID, Direction], Records] = field(default_factory=dict)
    taken_away: Mapping[UUID, frozenset[RecordRef]] = field(default_factory=dict)
    said: dict[tuple[UUID, Direction], Said] = field(default_factory=dict)
    words: Mapping[UUID, Mapping[str, Word]] = field(default_factory=dict)
    words_on_all: Mapping[str, Word] = field(default_factory=dict)
    aliases: Mapping[str, RecordRef] = field(default_factory=dict)

    def words_of(self, message_key: UUID) -> Words:
        """Return what people say of the addresses of a message."""
        return Words(self.words.get(message_key, {}), self.words_on_all)

    def pointers(self, message_key: UUID) -> Iterator[Pointer]:
        """Yield the evidence of a message with what is stored under the names it gives."""
        itself = {message_key, *self.same.get(message_key, ())}
        for piece in self.evidence.get(message_key, ()):
            kind = Kind(piece.kind)
            if kind in NAMES_ITSELF:
                continue
            if kind == Kind.THREAD_INDEX:
                over = tuple(self._target(key) for key in self.above.get(message_key, ()) if key not in itself)
                yield Pointer(kind, piece.value, piece.position, cyclic=False, targets=over)
                continue
            if kind == Kind.TRACKING_TOKEN:
                if (message_key, piece.target) in self.tokens.named:
                    yield self._token(message_key, piece, itself)
                continue
            found = self._found(piece.target)
            named = [key for key in found if key not in itself]
            # A forged copy that closes a circle takes nothing from the real mail under the same id.
            targets = tuple(self._target(key) for key in named if (message_key, key) not in self.circling)
            yield Pointer(
                kind,
                piece.value,
                piece.position,
                cyclic=bool(named) and not targets,
                targets=targets,
                itself=bool(found) and not named,
            )

    def depends_on(self, message_key: UUID) -> set[UUID]:
        """Return the ids whose messages a decision about this one looks at."""
        pieces = self.evidence.get(message_key, ())
        others = {key for piece in pieces for key in self.named.get(piece.target, ())}
        others |= {
            copy for piece in pieces for key in self.by_id.get(piece.target, ()) for copy in self.same.get(key, ())
        }
        others |= set(self.above.get(message_key, ()))
        others |= {key for p in pieces if p.kind in OWN_TOKENS for key in self.by_id.get(p.target, ())}
        others |= {one.message_key for p in pieces for one in self.tokens.carriers(message_key, p.target)}
        return {piece.target for piece in pieces} | {self.known[key].id_key for key in others}

    def _token(self, message_key: UUID, piece: Pointed, itself: AbstractSet[UUID]) -> Pointer:
        found = self.tokens.meant(
            message_key,
            piece.target,
            itself=itself,
            tracked=self._tracked,
            at=min((d.internal_date for d in self.deliveries.get(message_key, {}).values()), default=None),
        )
        written = piece.value[-len(self.tokens.named[message_key, piece.target]) :]
        targets = (self._target(found),) if found is not None else ()
        return Pointer(piece.kind, written, piece.position, cyclic=False, targets=targets)

    def _found(self, id_key: UUID) -> Sequence[UUID]:
        """Return the messages under an id; where none of them is tracked, those that once had it or are the same."""
        own = sorted(self.by_id.get(id_key, ()))
        others = [*self.named.get(id_key, ()), *(copy for key in own for copy in self.same.get(key, ()))]
        if not others or any(self._tracked(key) for key in own):
            return own
        return sorted({key for key in others if self._tracked(key)}) or own or sorted(set(others))

    def _tracked(self, message_key: UUID) -> bool:
        return any((message_key, direction) in self.filed for direction in Direction)

    def _target(self, message_key: UUID) -> Target:
        filed = [f for d in Direction if (f := self.filed.get((message_key, d))) is not None]
        return Target(
            message_key,
            self.known[message_key].message_id,
            tuple(TrackedAs(f.activity_id, f.direction, f.regardings, f.owner, f.verified) for f in filed),
            self.participants.get(message_key, frozenset()),
            filed[0].subject if filed else "",
        )

    def elder(self, message_key: UUID, direction: Direction) -> Filed | None:
        """Return the activity in which a message is filed that has none of its own, being the same mail as another."""
        into = self.joined.get((message_key, direction))
        return self.filed.get((into, direction)) if into is not None else None

    def opposite(self, message_key: UUID) -> Filed | None:
        """Return the outgoing activity in which a message is filed, its own or that of the same mail."""
        place = (message_key, Direction.OUTGOING)
        return self.filed.get(place) or self.elder(*place)

    def tied(self, message_key: UUID) -> set[UUID]:
        """Return the stored messages that may be one mail with this one, as far as it says so itself or is a copy."""
        former = [piece.target for piece in self.evidence.get(message_key, ()) if piece.kind == Kind.ALIAS]
        others = {key for name in former for key in (*self.by_id.get(name, ()), *self.named.get(name, ()))}
        return {*others, *self.same.get(message_key, ())} - {message_key}

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
