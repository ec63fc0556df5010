"""The events of activities that a transaction creates, made from what it has just written."""

from datetime import datetime
from typing import Any

import psycopg

from services.domain.message import Part, PartRole
from services.domain.regardings import Regarding
from services.resolver.arrivals import Delivered
from services.resolver.changes import CODE_VERSION, Filing
from services.resolver.events import correlation, event_row, regardings_of
from services.resolver.ledger import Ledger
from services.storage.outbox import OutboxRow


def created_events(
    connection: psycopg.Connection[Any], filing: Filing, ledger: Ledger, settings_version: int
) -> list[OutboxRow]:
    """
    Return the event of each activity that this transaction creates, from what it has just written.

    Equal to what :func:`services.resolver.events.activity_events` would read back, which a test holds.
    """
    made = [filing.activities[activity] for activity in sorted(filing.created)]
    if not made:
        return []
    rows = connection.execute(
        "SELECT message_key, thread, now() FROM resolver.message_thread WHERE message_key = ANY(%b)",
        ([filed.message_key for filed, _, _ in made],),
    ).fetchall()
    threads = {key: thread for key, thread, _ in rows}
    now = rows[0][2]
    messages = {filed.activity_id: key for (key, _), filed in ledger.filed.items()}
    events = []
    for filed, form, item in made:
        assert form is not None
        answered = ledger.known[messages[filed.correlated]].message_id if filed.correlated else ""
        events.append(
            event_row(
                {
                    "activity_id": str(filed.activity_id),
                    "version": filed.version,
                    "reasons": sorted(filing.reasons[filed.activity_id]),
                    "direction": filed.direction,
                    "message_id": ledger.known[filed.message_key].message_id,
                    "thread_id": threads[filed.message_key],
                    "parent_activity_id": str(filed.parent) if filed.parent else None,
                    "correlation": correlation(
                        filed.method,
                        filed.correlated,
                        answered,
                        subject_changed=filed.subject_changed,
                        branch=filed.branch,
                        verified=filed.verified,
                    ),
                    "subject": item.message.subject,
                    "sent_at": item.message.date,
                    "parties": [
                        {
                            "role": party.role,
                            "address": party.address,
                            "name": party.name,
                            "records": [{"type": ref.type, "id": ref.id} for ref in party.records],
                        }
                        for party in form.parties
                    ],
                    **regardings_of(_regarding(one, now) for one in filed.regardings),
                    "owner": {"type": filed.owner.type, "id": filed.owner.id} if filed.owner else None,
                    "accepted_by": {"type": filed.acceptor.type, "id": filed.acceptor.id},
                    "deliveries": [
                        {"mailbox": d.mailbox, "folder": d.folder, "uidvalidity": d.uidvalidity, "uid": d.uid}
                        for d in sorted(ledger.accepted(filed.message_key, filed.direction), key=_place)
                    ],
                    "attachments": [
                        {**_part(p), "inline": p.role == PartRole.INLINE, "content_id": p.content_id}
                        for p in sorted(form.attachments.kept, key=lambda part: part.path)
                    ],
                    "dropped_attachments": [
                        {**_part(d.part), "reason": d.reason.value, "detail": d.detail}
                        for d in sorted(form.attachments.dropped, key=lambda dropped: dropped.part.path)
                    ],
                    "settings_version": settings_version,
                    "code_version": CODE_VERSION,
                    "kind": filed.kind,
                    "reports": [],
                    "queue_items": [{"type": ref.type, "id": ref.id} for ref in sorted(filed.queues)],
                    "merged_into": None,
                }
            )
        )
    return events


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.filename,
        "type": part.content_type,
        "size": part.size,
        "sha256": part.sha256,
        "path": part.path,
    }


def _regarding(one: Regarding, since: datetime) -> dict[str, Any]:
    ref = {"type": one.record.type, "id": one.record.id}
    return {**ref, "source": one.source, "author": one.author, "why": one.why, "since": since}


def _place(delivered: Delivered) -> tuple[object, ...]:
    return delivered.mailbox, delivered.folder, delivered.uid is None, delivered.uid or 0, delivered.delivery_id
