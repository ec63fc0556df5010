"""Rows as the stages write them, for one mail that was fetched, stored and decided."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from services.storage.blobs import BlobFolder
from tests.component.cli.conftest import Desk, Insert

SENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
FILTER = {"kind": "filter", "value": "to 1", "points_to": "queue/q1", "counts": True, "why": "takes all messages"}


def fetched(
    insert: Insert, *, uid: int | None = 1, mailbox: str = "q@example.org", sha256: bytes | None = None
) -> UUID:
    """A mail the fetcher took."""
    name = uuid4()
    insert(
        "fetcher.delivery", id=name, source="imap" if uid else "import", mailbox=mailbox, folder_id="INBOX",
        folder="INBOX", uidvalidity=7 if uid else None, uid=uid, internal_date=SENT, blob_sha256=sha256, size=10,
    )  # fmt: skip
    return name


def message(desk: Desk, insert: Insert, message_id: str, *, thread: int = 1, flagged: bool = False) -> UUID:
    """A message the resolver knows."""
    key = uuid4()
    insert(
        "resolver.message", message_key=key, id_key=desk.id_key(message_id), message_id=message_id, thread=thread,
        graph_version=1, flagged=flagged,
    )  # fmt: skip
    return key


def arrived(insert: Insert, delivery: UUID, key: UUID, *, uid: int | None = 1, mailbox: str = "q@example.org") -> None:
    """The delivery as the resolver stores it."""
    insert(
        "resolver.delivery", id=delivery, message_key=key, direction="incoming", source="imap", mailbox=mailbox,
        folder="INBOX", folder_role="inbox", uidvalidity=7 if uid else None, uid=uid, internal_date=SENT,
    )  # fmt: skip


def decided(insert: Insert, delivery: UUID, outcome: str, activity: UUID | None = None, **changes: object) -> None:
    """A decision about a delivery."""
    accepted = activity is not None
    values = {
        "version": 1, "current": True, "method": "None", "evidence": Jsonb([FILTER] if accepted else []),
        "settings_version": 3, "graph_version": 1, "code_version": "0.1.0", "cause": "arrival", "decided": SENT,
        "accepted_type": "queue" if accepted else None, "accepted_id": "q1" if accepted else None, **changes,
    }  # fmt: skip
    insert("resolver.decision", delivery_id=delivery, outcome=outcome, activity_id=activity, **values)


def filed(insert: Insert, key: UUID, sha256: bytes | None, **changes: object) -> UUID:
    """An activity."""
    name = uuid4()
    values = {
        "subject": "Hello", "sent_at": SENT, "method": "None", "accepted_type": "queue", "accepted_id": "q1",
        "parse_outcome": "full", **changes,
    }  # fmt: skip
    insert(
        "resolver.activity", id=name, message_key=key, direction="incoming", version=1, blob_sha256=sha256,
        body_text="", repairs=[], settings_version=3, code_version="0.1.0", **values,
    )  # fmt: skip
    return name


def whole_mail(
    desk: Desk, insert: Insert, message_id: str, *, uid: int = 1, thread: int = 1, **activity: object
) -> UUID:
    """A mail that went all the way; returns its activity's id."""
    (sha256,) = BlobFolder(desk.config.blobs).put_many([message_id.encode()])
    key = message(desk, insert, message_id, thread=thread)
    delivery = fetched(insert, uid=uid, sha256=bytes.fromhex(sha256))
    arrived(insert, delivery, key, uid=uid)
    name = filed(insert, key, bytes.fromhex(sha256), **activity)
    decided(insert, delivery, "accepted", name)
    return name


def hangs_off(desk: Desk, insert: Insert, activity: UUID, *records: str) -> None:
    """What a person has filed an activity under: TYPE/ID each, the first one also in the activity itself."""
    refs = [record.split("/") for record in records]
    ((key, sent_at),) = desk.owner.execute(
        "UPDATE resolver.activity SET regarding_type = %s, regarding_id = %s, regarding_source = 'manual'"
        " WHERE id = %s RETURNING message_key, coalesce(sent_at, '-infinity')::text",
        (*refs[0], activity),
    ).fetchall()
    for position, (kind, name) in enumerate(refs):
        insert(
            "resolver.regarding", activity_id=activity, message_key=key, type=kind, id=name, position=position,
            source="manual", author="mira", why="hers", since=SENT, sent_at=sent_at,
        )  # fmt: skip
