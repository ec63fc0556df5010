"""Which mails of ours a report tells of, and what it says of each of their recipients."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.domain.addresses import normalise
from services.domain.correlation import Looked, Pointer, Target
from services.domain.evidence import Kind
from services.domain.identity import Direction
from services.domain.kinds.rules import MailKind
from services.domain.message import Message, Report, Reported

UNKNOWN = "no mail that we have sent and track has this id"
STRANGER = "the mail with this id was not sent to anybody whom the report names"
ATTACHED = "it is told on the mail that we have sent"


@dataclass(frozen=True, slots=True)
class Told:
    """What a report says of one mail of ours: of its activity, for some of its recipients."""

    target: Target
    activity_id: UUID
    kind: MailKind
    recipients: tuple[Reported, ...]


def told(
    message: Message, kind: MailKind, pointers: Iterable[Pointer], *, mailbox: str
) -> tuple[tuple[Told, ...], tuple[Looked, ...]]:
    """
    Return what a report of this kind says of mails of ours, and what was looked at.

    Anybody can write a report. So it is believed only of a mail that we have sent, by its id, and only for those whom
    that mail names: who knows both has had it in hand. ``mailbox`` is the one that received the report, which is
    itself no recipient. A complaint may leave out who complains.
    """
    found, looked = [], []
    report = message.report
    for pointer in pointers:
        if pointer.kind != Kind.REPORT or report is None:
            continue
        sent = [
            (target, activity.activity_id)
            for target in pointer.targets
            for activity in target.activities
            if activity.direction == Direction.OUTGOING
        ]
        tells = [
            Told(target, activity_id, kind, recipients)
            for target, activity_id in sent
            if (recipients := _recipients(message, report, kind, target, mailbox))
        ]
        why = ATTACHED if tells else STRANGER if sent else UNKNOWN
        names = ", ".join(target.message_id for target, _ in sent) or None
        looked.append(Looked(pointer.kind, pointer.value, names, bool(tells), why, "", pointer.source))
        found += tells
    return tuple(found), tuple(looked)


def _recipients(message: Message, report: Report, kind: MailKind, target: Target, mailbox: str) -> tuple[Reported, ...]:
    others = target.participants - {mailbox}
    named = [replace(one, address=normalise(one.address)) for one in report.recipients]
    meant: Sequence[Reported] = [one for one in named if one.address in others]
    if not meant and kind == MailKind.RECEIPT and message.from_:
        reader = normalise(message.from_[0].address)  # who reads at another address than the mail was sent to
        meant = [replace(one, address=reader) for one in named if reader in others]
    if not meant and kind == MailKind.FEEDBACK:
        meant = [one for one in named if not one.address]
    return tuple({one.address: one for one in meant}.values())
