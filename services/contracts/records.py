"""
The records as Python sees them, one ``TypedDict`` per record of ``schemas/avro/``, field names as there.

Timestamps are aware UTC datetimes.
"""

from datetime import datetime
from typing import TypedDict

from services.contracts.activity_record import ActivityEvent, RecordRefRecord
from services.contracts.received_record import MailReceived

__all__ = [
    "ActivityEvent",
    "AlertEvent",
    "AlertSignal",
    "Command",
    "DeadLetter",
    "DeliveryMoved",
    "DirectoryRecord",
    "MailDecided",
    "MailReceived",
    "MessageCorrelated",
    "RecordRequest",
    "Relinked",
    "SettingsRecord",
    "ThreadChanged",
]


class EvidenceRecord(TypedDict):
    """One thing that a message points at."""

    kind: str
    cls: str
    position: int
    target: str
    value: str


class MessageCorrelated(TypedDict):
    """What a message points at, with the mail-received record as it came."""

    delivery_id: str
    message_key: str
    id_key: str
    thread_id: int
    graph_version: int
    evidence: list[EvidenceRecord]
    truncated: bool
    received: bytes


class Merged(TypedDict):
    """All of ``loser`` is now ``winner``."""

    loser: int
    winner: int


class Moved(TypedDict):
    """These messages are now in ``thread``."""

    messages: list[str]
    thread: int


class ThreadChanged(TypedDict):
    """An earlier answer about threads has changed."""

    change: Merged | Moved
    version: int
    cause: str


class Pair(TypedDict):
    """A message and an id that it does, or does not, belong to."""

    child: str
    target: str
    linked: bool
    position: int
    value: str


class Relinked(TypedDict):
    """What a person has said of messages and what they point at."""

    pairs: list[Pair]
    version: int
    cause: str


class MailDecided(TypedDict):
    """The current decision about one delivery."""

    delivery_id: str
    version: int
    mailbox: str
    folder: str
    message_id: str
    message_key: str
    outcome: str
    activity_id: str | None
    accepted_by: RecordRefRecord | None
    method: str
    settings_version: int
    graph_version: int
    code_version: str
    decided_at: datetime


class SettingsRecord(TypedDict):
    """One object of the settings as JSON, or None when it was removed."""

    key: str
    version: int
    author: str
    time: datetime
    reason: str
    value: str | None


class DirectoryRecord(TypedDict):
    """One record of the CRM with its e-mail addresses."""

    type: str
    id: str
    name: str
    addresses: list[str]
    owner: RecordRefRecord | None
    active: bool
    deleted: bool
    merged_into: str | None


class RecordRequest(TypedDict):
    """What the CRM is asked for: a record for the unknown sender of a mail."""

    request_id: str
    type: str
    address: str
    name: str
    owner: RecordRefRecord | None
    activity_id: str
    message_id: str
    asked_at: datetime


class DeadLetter(TypedDict):
    """A record that can never succeed in a stage, as it came."""

    topic: str
    partition: int
    offset: int
    stage: str
    code: str
    detail: str
    delivery_id: str | None
    failed_at: datetime
    key: bytes | None
    value: bytes | None


class AlertSignal(TypedDict):
    """Something is wrong with an object, or no longer is."""

    object: str
    code: str
    direction: str
    state: str
    observed: datetime
    fence: int | None
    detail: str


class Command(TypedDict):
    """Something that a person asks the owner of an object to do with it."""

    id: str
    kind: str
    object: str
    author: str
    reason: str
    time: datetime
    target: str
    onto: str
    address: str
    record: str
    only_this: bool


class DeliveryMoved(TypedDict):
    """The place of a delivery after its folder was renamed or numbered anew."""

    delivery_id: str
    version: int
    mailbox: str
    folder_id: str
    folder: str
    uidvalidity: int | None
    uid: int | None
    moved_at: datetime


class AlertEvent(TypedDict):
    """An alert as it stands after a change."""

    alert_id: str
    version: int
    change: str
    object: str
    code: str
    direction: str
    level: str
    state: str
    count: int
    first_seen: datetime
    last_seen: datetime
    resolved_at: datetime | None
    resolved_by: str
    detail: str
    addressees: list[RecordRefRecord]
