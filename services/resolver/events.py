"""Activity events and decided events, as outbox rows: the full state, as it stands at the end of the transaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import psycopg

from services import contracts
from services.domain.correlation import Method
from services.resolver.changes import DecisionRow
from services.storage.outbox import OutboxRow

Connection = psycopg.Connection[Any]
NONE_MERGED: Mapping[UUID, UUID | None] = MappingProxyType({})

_STATE = """
    SELECT a.id, a.version, a.direction, coalesce(m.message_id, ''), t.thread, a.parent, a.method, a.correlated,
        coalesce(cm.message_id, ''), a.subject, a.sent_at,
        a.owner_type, a.owner_id, a.accepted_type, a.accepted_id, a.settings_version, a.code_version,
        a.subject_changed, a.branch, a.verified, a.kind
    FROM resolver.activity a
    JOIN resolver.message m USING (message_key)
    JOIN resolver.message_thread t USING (message_key)
    LEFT JOIN resolver.activity c ON c.id = a.correlated
    LEFT JOIN resolver.message cm ON cm.message_key = c.message_key
    WHERE a.id = ANY(%b) ORDER BY a.id
"""
_PLACES = """
    SELECT x.activity_id, d.mailbox, d.folder, d.uidvalidity, d.uid
    FROM resolver.activity a
    CROSS JOIN LATERAL (
        SELECT a.message_key UNION ALL SELECT j.message_key FROM resolver.joined j
        WHERE j.elder = a.message_key AND j.direction = a.direction) AS k
    JOIN resolver.delivery d ON d.message_key = k.message_key
    JOIN resolver.decision x ON x.delivery_id = d.id AND x.current AND x.activity_id = a.id
    WHERE a.id = ANY(%b) ORDER BY d.mailbox, d.folder, d.uid, d.id
"""
_REGARDINGS = """
    SELECT activity_id, type, id, source, author, why, since FROM resolver.regarding
    WHERE activity_id = ANY(%b) AND until IS NULL ORDER BY activity_id, position
"""
_REPORTS = """
    SELECT activity_id, kind, address, action, status, detail FROM resolver.report
    WHERE activity_id = ANY(%b) ORDER BY activity_id, noted, message_key, address
"""


def activity_events(
    connection: Connection, reasons: Mapping[UUID, AbstractSet[str]], merged: Mapping[UUID, UUID | None] = NONE_MERGED
) -> list[OutboxRow]:
    """
    Return one event for each activity, with its state as this transaction sees it. Key: activity id.

    ``merged`` names the activity in which each that ends has ended.
    """
    if not reasons:
        return []
    ids = sorted(reasons)
    parties = _by_activity(
        connection,
        "SELECT activity_id, role, address, name, records FROM resolver.party"
        " WHERE activity_id = ANY(%b) ORDER BY activity_id, position",
        ids,
        ("role", "address", "name", "records"),
    )
    attachments = _by_activity(
        connection,
        "SELECT activity_id, name, type, size, encode(sha256, 'hex'), path, inline, content_id"
        " FROM resolver.attachment WHERE activity_id = ANY(%b) ORDER BY activity_id, path",
        ids,
        ("name", "type", "size", "sha256", "path", "inline", "content_id"),
    )
    dropped = _by_activity(
        connection,
        "SELECT activity_id, name, type, size, encode(sha256, 'hex'), path, reason, detail"
        " FROM resolver.dropped_attachment WHERE activity_id = ANY(%b) ORDER BY activity_id, path",
        ids,
        ("name", "type", "size", "sha256", "path", "reason", "detail"),
    )
    reports = _by_activity(connection, _REPORTS, ids, ("kind", "address", "action", "status", "detail"))
    queued = _by_activity(
        connection,
        "SELECT activity_id, 'queue', queue_id FROM resolver.queue_item WHERE activity_id = ANY(%b) ORDER BY queue_id",
        ids,
        ("type", "id"),
    )
    hanging = _by_activity(connection, _REGARDINGS, ids, ("type", "id", "source", "author", "why", "since"))
    places = _by_activity(connection, _PLACES, ids, ("mailbox", "folder", "uidvalidity", "uid"))
    return [
        event_row(
            {
                "activity_id": str(row[0]),
                "version": row[1],
                "reasons": sorted(reasons[row[0]]),
                "direction": row[2],
                "message_id": row[3],
                "thread_id": row[4],
                "parent_activity_id": str(row[5]) if row[5] else None,
                "correlation": correlation(
                    row[6], row[7], row[8], subject_changed=row[17], branch=row[18], verified=row[19]
                ),
                "subject": row[9],
                "sent_at": row[10],
                "parties": parties[row[0]],
                **regardings_of(hanging[row[0]]),
                "owner": _ref(row[11], row[12]),
                "accepted_by": _ref(row[13], row[14]),
                "deliveries": places[row[0]],
                "attachments": attachments[row[0]],
                "dropped_attachments": dropped[row[0]],
                "settings_version": row[15],
                "code_version": row[16],
                "kind": row[20],
                "reports": reports[row[0]],
                "queue_items": queued[row[0]],
                "merged_into": str(into) if (into := merged.get(row[0])) else None,
            }
        )
        for row in connection.execute(_STATE, (ids,)).fetchall()
    ]


def correlation(
    method: str, activity: UUID | None, message_id: str, *, subject_changed: bool, branch: bool, verified: bool
) -> dict[str, Any] | None:
    """Return what an activity answers, as its event says it; None where a person filed it, or nothing is answered."""
    if activity is None:
        return None
    return {
        "method": method,
        "activity_id": str(activity),
        "message_id": message_id,
        "subject_changed": subject_changed,
        "branch": branch,
        "verified": verified,
    }


def regardings_of(regardings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the records that an activity hangs off, as its event says them: all, and the first one by itself."""
    every = list(regardings)
    first = {name: every[0][name] for name in ("type", "id", "source")} if every else None
    return {"regarding": first, "regardings": every}


def event_row(event: Mapping[str, Any]) -> OutboxRow:
    """Return the record of an activity event. Key: activity id."""
    return OutboxRow("activity-events", event["activity_id"].encode(), contracts.encode("ActivityEvent", event), {})


def _by_activity(
    connection: Connection, query: str, ids: list[UUID], names: tuple[str, ...]
) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for activity, *values in connection.execute(query.encode(), (ids,)):
        found[activity].append(dict(zip(names, values, strict=True)))
    return found


def _ref(kind: str | None, name: str | None) -> dict[str, str] | None:
    return {"type": kind, "id": name} if kind and name else None


def decided_events(decisions: Iterable[DecisionRow]) -> list[OutboxRow]:
    """Return one mail-decided record for each new decision. Key: canonical message id."""
    now = datetime.now(UTC)
    rows = []
    for d in decisions:
        delivered, acceptor = d.delivered, d.current.acceptor
        event = {
            "delivery_id": str(delivered.delivery_id),
            "version": d.current.version,
            "mailbox": delivered.mailbox,
            "folder": delivered.folder,
            "message_id": d.message_id,
            "message_key": str(delivered.message_key),
            "outcome": d.current.outcome,
            "activity_id": str(d.activity_id) if d.activity_id else None,
            "accepted_by": _ref(acceptor.type, acceptor.id) if acceptor else None,
            "method": "" if d.current.method == Method.NONE else d.current.method,
            "settings_version": d.settings_version,
            "graph_version": d.graph_version,
            "code_version": d.code_version,
            "decided_at": now,
        }
        rows.append(OutboxRow("mail-decided", d.message_id.encode(), contracts.encode("MailDecided", event), {}))
    return rows
