"""What one transaction will write: decisions, activities, and why each of these has changed."""

from dataclasses import dataclass, field
from uuid import UUID

from services import __version__
from services.domain.activity import Shape
from services.domain.correlation import Correlation, Looked
from services.domain.kinds.rules import MailKind
from services.domain.kinds.telling import Told
from services.resolver.arrivals import Delivered
from services.resolver.ledger import Current, Filed, Item
from services.resolver.record_requests import Asking

CODE_VERSION = __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """A decision to be written."""

    delivered: Delivered
    current: Current
    activity_id: UUID | None
    looked: tuple[Looked, ...]
    correlation: Correlation
    message_id: str
    graph_version: int
    settings_version: int
    code_version: str
    cause: str
    kind: MailKind = MailKind.ORDINARY


@dataclass(slots=True)
class Filing:
    """
    Everything one transaction will write. An activity that changes several times is written once.

    ``withdrawn`` are messages of which an incoming delivery is no longer accepted, ``ended`` by id the activities
    that are no more, and the one in which it has ended, if any.

    ``changed_ids`` are the ids of messages whose state has changed, ``changed_places`` their (root, value) where they
    have a Thread-Index. ``outrun`` are messages that were decided before
    something they point at changed, in this same transaction. ``told`` is what messages report of others,
    ``asking`` what the CRM is asked for, by the id of the request.
    """

    decisions: list[DecisionRow] = field(default_factory=list)
    activities: dict[UUID, tuple[Filed, Shape | None, Item]] = field(default_factory=dict)
    reasons: dict[UUID, set[str]] = field(default_factory=dict)
    withdrawn: set[UUID] = field(default_factory=set)
    ended: dict[UUID, UUID | None] = field(default_factory=dict)
    changed_ids: set[UUID] = field(default_factory=set)
    changed_places: set[tuple[UUID, str]] = field(default_factory=set)
    outrun: set[UUID] = field(default_factory=set)
    told: list[tuple[UUID, Told]] = field(default_factory=list)
    asking: dict[UUID, Asking] = field(default_factory=dict)

    @property
    def created(self) -> set[UUID]:
        """The activities that did not exist before this transaction."""
        return {activity for activity, reasons in self.reasons.items() if "created" in reasons}

    def note(self, filed: Filed, form: Shape | None, item: Item) -> None:
        """Note an activity; without a form its parties stay what an earlier note or the store says."""
        if form is None and filed.activity_id in self.activities:
            _, form, item = self.activities[filed.activity_id]
        self.activities[filed.activity_id] = (filed, form, item)


def differences(before: Filed | None, after: Filed) -> set[str]:
    """Name what has changed, in the words of the activity event."""
    if before is None:
        return {"created"}
    answers = _answers(before) != _answers(after)
    changes = {
        "correlated": answers,
        "regarding": before.regardings != after.regardings,
        "parties": (before.owner, before.acceptor) != (after.owner, after.acceptor),
        "queued": before.queues != after.queues,
    }
    return {name for name, changed in changes.items() if changed}


def _answers(filed: Filed) -> tuple[object, ...]:
    return filed.method, filed.correlated, filed.parent, filed.subject_changed, filed.branch, filed.verified
