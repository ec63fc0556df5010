"""Where one activity is made of internal mail: what becomes of the incoming one when the outgoing one is there."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from services.domain.identity import Direction
from services.resolver.filing import Filing, Settings
from services.resolver.ledger import Filed, Item, Ledger
from services.storage.inserting import upsert

Connection = psycopg.Connection[Any]


def overtaken(item: Item, ledger: Ledger, filing: Filing, settings: Settings) -> bool:
    """Whether this delivery has just made the outgoing activity of a message whose incoming copies are decided."""
    delivered = item.delivered
    if settings.policy.internal.two_activities or delivered.direction == Direction.INCOMING:
        return False
    made = ledger.filed.get((delivered.message_key, Direction.OUTGOING))
    return made is not None and made.activity_id in filing.created and any(
        other.direction == Direction.INCOMING and other.delivery_id in ledger.current
        for other in ledger.deliveries[delivered.message_key].values()
    )  # fmt: skip


def withdraw(ledger: Ledger, filing: Filing) -> list[UUID]:
    """
    Note what follows from withdrawn deliveries; return the messages whose deliveries must be decided again.

    An incoming activity without any accepted delivery is merged into the outgoing one: it ends, with an event that
    names that, and what a person has set goes over. With others left, one of them speaks for the activity.
    """
    again = sorted(filing.withdrawn)
    for key in again:
        item = filing.withdrawn.pop(key)
        filed = ledger.filed[key, Direction.INCOMING]
        after = _raised(filed, filing)
        if ledger.accepted(key, Direction.INCOMING):
            ledger.filed[key, Direction.INCOMING] = after
            filing.note(after, None, item)
            filing.reasons.setdefault(after.activity_id, set()).add("delivery-removed")
            continue
        del ledger.filed[key, Direction.INCOMING]
        filing.activities.pop(after.activity_id, None)
        filing.reasons[after.activity_id] = {"merged"}
        outgoing = ledger.filed[key, Direction.OUTGOING]
        filing.merged[after.activity_id] = (after, outgoing.activity_id)
        if filed.manual and not outgoing.manual:
            kept = replace(_raised(outgoing, filing), regarding=filed.regarding)
            ledger.filed[key, Direction.OUTGOING] = kept
            filing.note(kept, None, item)
            filing.reasons.setdefault(kept.activity_id, set()).add("regarding")
    return again


def _raised(filed: Filed, filing: Filing) -> Filed:
    return filed if filed.activity_id in filing.reasons else replace(filed, version=filed.version + 1)


def mark(connection: Connection, filing: Filing) -> None:
    """Write which activities end, so that their last event says so."""
    rows = [(filed.activity_id, filed.message_key, filed.version, into) for filed, into in filing.merged.values()]
    if not rows:
        return
    connection.execute(
        "UPDATE resolver.activity a SET version = m.version FROM unnest(%s::uuid[], %s::bigint[]) AS m (id, version)"
        " WHERE a.id = m.id",
        ([row[0] for row in rows], [row[2] for row in rows]),
    )
    upsert(
        connection,
        "resolver.merged_activity",
        ("id", "message_key", "version", "into_id"),
        rows,
        key=("id",),
        conflict="DO UPDATE SET version = excluded.version, into_id = excluded.into_id, merged = now()",
    )


def remove(connection: Connection, filing: Filing) -> None:
    """Delete the activities that have ended, after their last event was made."""
    if not filing.merged:
        return
    ids = sorted(filing.merged)
    for table in (b"party", b"attachment", b"queue_item"):
        connection.execute(b"DELETE FROM resolver." + table + b" WHERE activity_id = ANY(%b)", (ids,))
    connection.execute("DELETE FROM resolver.activity WHERE id = ANY(%b)", (ids,))
