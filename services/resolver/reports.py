"""What bounces, receipts and complaints say of mails of ours, kept with the activity of each."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain.kinds.telling import Told
from services.storage.inserting import upsert


def note(connection: psycopg.Connection[Any], told: Sequence[tuple[UUID, Told]]) -> set[UUID]:
    """
    Store what messages report, each by its key; return the activities of which something new is told.

    A report that comes again, or lies in several mailboxes, tells nothing new.
    """
    if not told:
        return set()
    # Who decides about the mail itself at this moment commits first, so that versions of its activity are not mixed up.
    connection.execute(
        "SELECT FROM resolver.message WHERE message_key = ANY(%b) ORDER BY message_key FOR UPDATE",
        (sorted({one.target.message_key for _, one in told}),),
    )
    rows = {
        (one.activity_id, key, said.address): (
            one.activity_id,
            key,
            said.address,
            one.kind,
            said.action,
            said.status,
            said.detail,
        )
        for key, one in told
        for said in one.recipients
    }
    columns = ("activity_id", "message_key", "address", "kind", "action", "status", "detail")
    added = upsert(connection, "resolver.report", columns, rows.values(), key=columns[:3], returning=columns[:1])
    return {activity_id for (activity_id,) in added}
