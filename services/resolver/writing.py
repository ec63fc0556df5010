"""The deciding transaction's writes, in batches: decisions, activities, jobs, and the events that tell of them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from services.domain.correlation import plain
from services.domain.likeness.new_text import new_text
from services.domain.message import Message
from services.domain.parties import Party
from services.resolver import answering, attaching, queue_items, record_requests, regardings, withdrawals, words
from services.resolver.alerting import doubts
from services.resolver.changes import CODE_VERSION, DecisionRow, Filing
from services.resolver.created import created_events
from services.resolver.events import activity_events, decided_events
from services.resolver.ledger import Filed, Ledger
from services.resolver.reports import note
from services.runtime import signals
from services.storage import outbox
from services.storage.inserting import upsert

Connection = psycopg.Connection[Any]

_ACTIVITY = (
    "id",
    "message_key",
    "direction",
    "version",
    "subject",
    "sent_at",
    "blob_sha256",
    "body_text",
    "reply_text",
    "method",
    "correlated",
    "parent",
    "subject_changed",
    "branch",
    "verified",
    "kind",
    "regarding_type",
    "regarding_id",
    "regarding_source",
    "owner_type",
    "owner_id",
    "accepted_type",
    "accepted_id",
    "repairs",
    "parse_outcome",
    "settings_version",
    "code_version",
)
# Content stays as it was first filed.
_REFRESH = (
    "DO UPDATE SET version = excluded.version, method = excluded.method, correlated = excluded.correlated,"
    " parent = excluded.parent, subject_changed = excluded.subject_changed, branch = excluded.branch,"
    " verified = excluded.verified, owner_type = excluded.owner_type, owner_id = excluded.owner_id,"
    " accepted_type = excluded.accepted_type, accepted_id = excluded.accepted_id,"
    " regarding_type = excluded.regarding_type, regarding_id = excluded.regarding_id,"
    " regarding_source = excluded.regarding_source,"
    " settings_version = excluded.settings_version, code_version = excluded.code_version"
)


def write(connection: Connection, filing: Filing, ledger: Ledger, *, settings_version: int, seen: str) -> None:
    """Write everything that was noted, the jobs that follow from it, and one event for each change."""
    withdrawals.resume(connection, filing)
    _activities(connection, filing, settings_version)
    record_requests.write(connection, filing, ledger, settings_version=settings_version)
    _decisions(connection, filing.decisions, seen)
    leave_jobs(connection, filing)
    created = filing.created
    changed = {activity: why for activity, why in filing.reasons.items() if activity not in created}
    events = [
        *created_events(connection, filing, ledger, settings_version),
        *activity_events(connection, changed),
        *decided_events(filing.decisions),
    ]
    outbox.append(connection, "resolver", events)
    withdrawals.withdraw(connection, filing.ended)
    told = [(key, one) for key, one in filing.told if one.activity_id not in filing.ended]
    announce(connection, note(connection, told), "reported")
    signals.append(connection, "resolver", doubts(filing.decisions, at=datetime.now(UTC)))


def leave_jobs(connection: Connection, filing: Filing) -> None:
    """Leave a job that decides again what points at the messages that others see changed."""
    places = sorted(filing.changed_places)
    if filing.changed_ids:
        connection.execute(
            "INSERT INTO resolver.job (targets, messages, roots, above, cause) VALUES (%b, %b, %s, %s, 'target')",
            (sorted(filing.changed_ids), sorted(filing.outrun), [root for root, _ in places], [v for _, v in places]),
        )


def announce(connection: Connection, activities: Iterable[UUID], *reasons: str) -> None:
    """Raise the version of activities that changed without a decision, and tell of it."""
    ids = sorted(set(activities))
    if not ids:
        return
    connection.execute("UPDATE resolver.activity SET version = version + 1 WHERE id = ANY(%b)", (ids,))
    outbox.append(connection, "resolver", activity_events(connection, dict.fromkeys(ids, frozenset(reasons))))


def _activities(connection: Connection, filing: Filing, settings_version: int) -> None:
    rows: list[tuple[Any, ...]] = []
    parties: dict[UUID, tuple[Party, ...]] = {}
    created = filing.created
    for filed, form, item in filing.activities.values():
        m = item.message
        first = next(iter(filed.regardings), None)
        rows.append(
            (
                filed.activity_id,
                filed.message_key,
                filed.direction,
                filed.version,
                m.subject,
                m.date,
                item.delivered.blob_sha256,
                m.body_text,
                new_text(m.body_text) if filed.activity_id in created and _answers(m) else None,
                filed.method,
                filed.correlated,
                filed.parent,
                filed.subject_changed,
                filed.branch,
                filed.verified,
                filed.kind,
                first.record.type if first else None,
                first.record.id if first else None,
                first.source if first else None,
                filed.owner.type if filed.owner else None,
                filed.owner.id if filed.owner else None,
                filed.acceptor.type,
                filed.acceptor.id,
                list(m.repairs),
                m.outcome,
                settings_version,
                CODE_VERSION,
            )
        )
        if form is None:
            continue
        parties[filed.activity_id] = form.parties
    upsert(connection, "resolver.activity", _ACTIVITY, rows, key=("id",), conflict=_REFRESH)
    _parties(connection, parties, filing)
    regardings.write(connection, (filed for filed, _, _ in filing.activities.values() if _hangs(filed, filing)))
    queue_items.write(connection, (filed for filed, _, _ in filing.activities.values()))
    attaching.write(connection, filing)


def _hangs(filed: Filed, filing: Filing) -> bool:
    """Whether what an activity hangs off is to be written."""
    why = filing.reasons[filed.activity_id]
    return "regarding" in why or bool("created" in why and filed.regardings)


def _answers(message: Message) -> bool:
    """Whether it may quote another mail: only then is its text split."""
    return bool(message.in_reply_to or message.references or ":" in message.subject)


def _parties(connection: Connection, parties: Mapping[UUID, tuple[Party, ...]], filing: Filing) -> None:
    """Write the parties; those of an activity that existed are replaced, since its owner may have changed."""
    old = [activity for activity in parties if "created" not in filing.reasons[activity]]
    if old:
        connection.execute("DELETE FROM resolver.party WHERE activity_id = ANY(%b)", (old,))
    rows = [
        (
            activity,
            party.role,
            position,
            party.address,
            party.name,
            Jsonb([{"type": ref.type, "id": ref.id} for ref in party.records]),
            party.said,
        )
        for activity, everybody in parties.items()
        for position, party in enumerate(everybody)
    ]
    columns = ("activity_id", "role", "position", "address", "name", "records", "resolution")
    upsert(connection, "resolver.party", columns, rows, key=("activity_id", "role", "position"))
    messages = {activity: filing.activities[activity][0].message_key for activity in parties}
    words.keep(
        connection,
        ((messages[a], party.said) for a, some in parties.items() for party in some if party.said is not None),
    )


def _decisions(connection: Connection, decisions: list[DecisionRow], seen: str) -> None:
    again = [d.delivered.delivery_id for d in decisions if d.current.version > 1]
    if again:
        connection.execute(
            "UPDATE resolver.decision SET current = false WHERE current AND delivery_id = ANY(%b)", (again,)
        )
        connection.execute(
            "UPDATE resolver.review SET state = 'superseded' WHERE state = 'open' AND delivery_id = ANY(%b)", (again,)
        )
    columns = (
        "delivery_id",
        "version",
        "current",
        "outcome",
        "activity_id",
        "accepted_type",
        "accepted_id",
        "accepted_rank",
        "method",
        "correlated",
        "rule",
        "confidence",
        "effect",
        "verified",
        "kind",
        "evidence",
        "settings_version",
        "graph_version",
        "code_version",
        "cause",
        "seen",
        "receiving",
    )
    rows = [
        (
            d.delivered.delivery_id,
            d.current.version,
            True,
            d.current.outcome,
            d.activity_id,
            d.current.acceptor.type if d.current.acceptor else None,
            d.current.acceptor.id if d.current.acceptor else None,
            d.current.rank,
            d.current.method,
            d.current.correlated,
            d.correlation.rule,
            d.correlation.confidence,
            d.current.effect,
            d.current.verified,
            d.kind,
            Jsonb([plain(x) for x in d.looked]),
            d.settings_version,
            d.graph_version,
            d.code_version,
            d.cause,
            seen,
            d.current.receiving,
        )
        for d in decisions
    ]
    upsert(connection, "resolver.decision", columns, rows, key=("delivery_id", "version"))
    _reviews(connection, decisions)


def _reviews(connection: Connection, decisions: list[DecisionRow]) -> None:
    rows = [
        (d.delivered.delivery_id, d.current.version, one.kind, one.target, one.confidence, one.why)
        for d in decisions
        for one in d.correlation.reviews
    ]
    columns = ("delivery_id", "version", "kind", "target", "confidence", "why")
    if rows:
        upsert(connection, "resolver.review", columns, rows, key=("delivery_id", "version", "kind", "target"))
        answering.respect(connection, {row[0] for row in rows})
