"""Activities that end, because nothing of their mail is accepted any more, and that come again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from services.resolver import regardings, smart_store
from services.resolver.changes import Filing
from services.resolver.events import activity_events
from services.storage import outbox

Connection = psycopg.Connection[Any]

_PARTS = (b"party", b"attachment", b"dropped_attachment", b"queue_item", b"report")
_PARTED = """
    WITH parted AS (
        DELETE FROM resolver.joined j USING unnest(%b::uuid[], %s::text[]) AS p (elder, direction)
        WHERE j.elder = p.elder AND j.direction = p.direction RETURNING j.message_key, j.direction, j.activity_id
    ), filed AS (
        UPDATE resolver.decision x SET activity_id = p.activity_id
        FROM parted p JOIN resolver.delivery d ON d.message_key = p.message_key AND d.direction = p.direction
        WHERE x.delivery_id = d.id AND x.current AND x.outcome = 'accepted'
    )
    SELECT message_key FROM parted
"""


def withdraw(connection: Connection, activities: Mapping[UUID, UUID | None]) -> None:
    """
    Take activities away and tell of it: the event has the state that was, and no deliveries.

    Its reason is ``merged`` where the activity is given in which it has ended, else ``withdrawn``.

    What was filed in one of them, being the same mail under another id, gets an activity of its own again, by a job.

    To be called when the decisions that accept none of their mail are written. Subject, addresses and text go with
    them, because mail that is not filed keeps none.
    """
    if not activities:
        return
    ids = sorted(activities)
    rows = connection.execute(
        "UPDATE resolver.activity SET version = version + 1 WHERE id = ANY(%b) RETURNING message_key, direction", (ids,)
    ).fetchall()
    reasons = {one: {"merged" if into else "withdrawn"} for one, into in activities.items()}
    outbox.append(connection, "resolver", activity_events(connection, reasons, activities))
    regardings.withdraw(connection, ids)
    regardings.hand_over(connection, {one: into for one, into in sorted(activities.items()) if into is not None})
    for table in _PARTS:
        connection.execute(b"DELETE FROM resolver." + table + b" WHERE activity_id = ANY(%b)", (ids,))
    connection.execute(
        "WITH gone AS (DELETE FROM resolver.activity WHERE id = ANY(%b) RETURNING id, version)"
        " INSERT INTO resolver.withdrawn (activity_id, version) SELECT id, version FROM gone",
        (ids,),
    )
    left = connection.execute(
        "SELECT message_key FROM resolver.activity WHERE message_key = ANY(%b)", ([key for key, _ in rows],)
    ).fetchall()
    smart_store.forget(connection, sorted({key for key, _ in rows} - {key for (key,) in left}))
    _part(connection, rows)


def _part(connection: Connection, places: Sequence[tuple[UUID, str]]) -> None:
    parted = connection.execute(
        _PARTED, ([key for key, _ in places], [direction for _, direction in places])
    ).fetchall()
    if parted:
        connection.execute(
            "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', %s, 'parted')",
            (sorted({key for (key,) in parted}),),
        )


def resume(connection: Connection, filing: Filing) -> None:
    """Let activities that were withdrawn once go on from their last version; a consumer drops what is not newer."""
    created = sorted(filing.created)
    if not created:
        return
    rows = connection.execute(
        "DELETE FROM resolver.withdrawn WHERE activity_id = ANY(%b) RETURNING activity_id, version", (created,)
    )
    for activity, version in rows.fetchall():
        filed, form, item = filing.activities[activity]
        filing.activities[activity] = (replace(filed, version=version + 1), form, item)
