"""The activity event as Python sees it, field names as in its schema. Timestamps are aware UTC datetimes."""

from datetime import datetime
from typing import TypedDict


class RecordRefRecord(TypedDict):
    """Names a directory record."""

    type: str
    id: str


class CorrelationRecord(TypedDict):
    """The message that an activity answers, and how that was found."""

    method: str
    activity_id: str
    message_id: str
    subject_changed: bool
    branch: bool
    verified: bool


class PartyRecord(TypedDict):
    """One party of an activity."""

    role: str
    address: str
    name: str
    records: list[RecordRefRecord]


class RegardingRecord(TypedDict):
    """The record that an activity is filed under."""

    type: str
    id: str
    source: str


class RegardingOfRecord(RegardingRecord):
    """One of the records that an activity hangs off: since when, by whom and why."""

    author: str
    why: str
    since: datetime | None


class PlaceRecord(TypedDict):
    """Where a delivery lies."""

    mailbox: str
    folder: str
    uidvalidity: int | None
    uid: int | None


class AttachmentRecord(TypedDict):
    """An attachment, to be read from the raw mail by its path."""

    name: str
    type: str
    size: int
    sha256: str
    path: str
    inline: bool
    content_id: str


class DroppedAttachmentRecord(TypedDict):
    """A part that is no attachment, and why: a reason of ``services.domain.attachments`` and its detail."""

    name: str
    type: str
    size: int
    sha256: str
    path: str
    reason: str
    detail: str


class DeliveryReportRecord(TypedDict):
    """What became of a mail for one recipient, as it was reported."""

    kind: str
    address: str
    action: str
    status: str
    detail: str


class ActivityEvent(TypedDict):
    """The full state of one activity."""

    activity_id: str
    version: int
    reasons: list[str]
    direction: str
    message_id: str
    thread_id: int
    parent_activity_id: str | None
    correlation: CorrelationRecord | None
    subject: str
    sent_at: datetime | None
    parties: list[PartyRecord]
    regarding: RegardingRecord | None
    owner: RecordRefRecord | None
    accepted_by: RecordRefRecord | None
    deliveries: list[PlaceRecord]
    attachments: list[AttachmentRecord]
    dropped_attachments: list[DroppedAttachmentRecord]
    settings_version: int
    code_version: str
    kind: str
    reports: list[DeliveryReportRecord]
    queue_items: list[RecordRefRecord]
    merged_into: str | None
    regardings: list[RegardingOfRecord]
