"""What a dry run says of each delivery, and how that differs from another run or from what is decided today."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from services.domain.acceptance import Outcome
from services.domain.attachments import AttachmentLimits, Dropped, attachments_of
from services.domain.correlation import Looked, plain
from services.domain.directory import RecordRef
from services.domain.identity import Direction
from services.domain.regardings import Regardings
from services.resolver.arrivals import Delivered
from services.resolver.changes import DecisionRow
from services.resolver.ledger import Current, Filed, Item, Ledger
from services.storage.reports.activities import DroppedAttachment


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    The outcome of one delivery. ``answers`` is the id of the message it is correlated with.

    ``dropped`` are the parts that are left out of its attachments; None of what is decided already, whose attachments
    stay what they are.
    """

    label: str
    delivered: Delivered
    outcome: Outcome
    acceptor: RecordRef | None
    method: str
    answers: str | None
    regardings: Regardings
    looked: tuple[Looked, ...]
    dropped: tuple[Dropped, ...] | None = None

    @property
    def accepted(self) -> bool:
        """Whether the mail becomes an activity."""
        return self.outcome == Outcome.ACCEPTED

    def plain(self) -> dict[str, object]:
        """Return it for JSON, without the place of the mail."""
        regardings = [
            {"type": one.record.type, "id": one.record.id, "source": str(one.source)} for one in self.regardings
        ]
        return {
            "outcome": str(self.outcome),
            "accepted_by": {"type": self.acceptor.type, "id": self.acceptor.id} if self.acceptor else None,
            "method": self.method,
            "answers": self.answers,
            "regarding": next(iter(regardings), None),
            "regardings": regardings,
            **({"dropped_attachments": left_out(self.dropped)} if self.dropped is not None else {}),
            "evidence": [plain(one) for one in self.looked],
        }


def verdict(
    delivered: Delivered,
    current: Current,
    filed: Mapping[tuple[UUID, Direction], Filed],
    labels: Mapping[UUID, str],
    row: DecisionRow | None = None,
) -> Verdict:
    """Return the verdict that a decision amounts to; without its row the evidence is left out."""
    activity = filed.get((delivered.message_key, delivered.direction))
    accepted = current.outcome == Outcome.ACCEPTED
    return Verdict(
        label=labels[delivered.message_key],
        delivered=delivered,
        outcome=current.outcome,
        acceptor=current.acceptor,
        method=current.method,
        answers=labels.get(current.correlated) if current.correlated else None,
        regardings=activity.regardings if activity and accepted else (),
        looked=row.looked if row else (),
    )


def verdicts(
    items: Iterable[Item],
    rows: Mapping[UUID, DecisionRow],
    ledger: Ledger,
    labels: Mapping[UUID, str],
    limits: AttachmentLimits,
) -> list[Verdict]:
    """Return the verdicts of a run, in the order of the items; ``limits`` are those for attachments."""
    found = []
    for item in items:
        name = item.delivered.delivery_id
        one = verdict(item.delivered, ledger.current[name], ledger.filed, labels, rows.get(name))
        dropped = attachments_of(item.message, limits).dropped if one.accepted else ()
        found.append(replace(one, dropped=dropped))
    return found


def left_out(dropped: Iterable[Dropped]) -> list[DroppedAttachment]:
    """Return dropped parts as they are told of activities."""
    return [
        DroppedAttachment(
            name=one.part.filename,
            type=one.part.content_type,
            size=one.part.size,
            sha256=one.part.sha256,
            reason=one.reason,
            detail=one.detail,
        )
        for one in dropped
    ]


def changes(before: Verdict, after: Verdict) -> list[str]:
    """
    Name what differs: ``accepted``, ``rejected``, ``reason``, ``acceptor``, ``link-gained``, ``link-lost``,
    ``link-changed``, ``regarding``, ``attachments``; an empty list when nothing does.
    """
    found = []
    if before.accepted != after.accepted:
        found.append("accepted" if after.accepted else "rejected")
    elif before.outcome != after.outcome:
        found.append("reason")
    elif before.acceptor != after.acceptor:
        found.append("acceptor")
    if (before.answers, before.method) != (after.answers, after.method):
        gained, lost = before.answers is None, after.answers is None
        found.append("link-gained" if gained else "link-lost" if lost else "link-changed")
    if _sources(before) != _sources(after):
        found.append("regarding")
    if before.accepted and after.accepted and None not in (before.dropped, after.dropped):
        found += ["attachments"] if before.dropped != after.dropped else []
    return found


def _sources(of: Verdict) -> list[tuple[RecordRef, str]]:
    return [(one.record, one.source) for one in of.regardings]
