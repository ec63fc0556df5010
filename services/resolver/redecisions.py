"""What people have asked to be decided again: asked for once, carried out by jobs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from services.resolver import awaiting, circles, content_requests, joining, reading, smart_matching
from services.resolver.anew import changes, forget, settle_all
from services.resolver.contents import contents, limited
from services.resolver.deciding import note_changed
from services.resolver.settings import Settings
from services.resolver.writing import write
from services.storage.blobs import BlobFolder

Connection = psycopg.Connection[Any]

CAUSE = "redecide"
MESSAGES_AT_ONCE = 200

# A mail in a forward mailbox also belongs to the mailbox that it was forwarded for.
_CHOSEN = """
SELECT d.message_key, min(d.internal_date) AS first FROM resolver.delivery d
LEFT JOIN resolver.decision x ON x.delivery_id = d.id AND x.current
WHERE d.internal_date >= %(since)s
    AND (%(mailbox)s::text IS NULL OR d.mailbox = %(mailbox)s OR x.receiving = %(mailbox)s)"""
_ASK = """
INSERT INTO resolver.redecision (id, author, reason, since, mailbox, settings_version, messages)
VALUES (%(id)s, %(author)s, %(reason)s, %(since)s, %(mailbox)s, %(settings_version)s, 0)"""
_LEAVE = f"""
WITH chosen AS ({_CHOSEN} GROUP BY d.message_key), numbered AS (
    SELECT message_key, (row_number() OVER (ORDER BY first, message_key) - 1) / %(at_once)s AS page FROM chosen
), left_behind AS (
    INSERT INTO resolver.job (targets, messages, cause, redecision)
    SELECT '{{}}', array_agg(message_key ORDER BY message_key), %(cause)s, %(id)s
    FROM numbered GROUP BY page ORDER BY page
)
UPDATE resolver.redecision SET messages = (SELECT count(*) FROM chosen) WHERE id = %(id)s RETURNING messages"""  # noqa: S608 - constants
_AMONG = f"{_CHOSEN} AND d.message_key = ANY(%(keys)s) GROUP BY d.message_key"


def messages(connection: Connection, since: datetime, mailbox: str | None) -> list[UUID]:
    """Return the messages that came since then, in this mailbox or in any, in key order."""
    rows = connection.execute(
        f"{_CHOSEN} GROUP BY d.message_key ORDER BY 1", {"since": since, "mailbox": mailbox}
    ).fetchall()
    return [key for key, _ in rows]


def has_mail(connection: Connection, mailbox: str) -> bool:
    """Whether anything was ever delivered to this mailbox, or forwarded for it."""
    given = {"since": datetime.min.replace(tzinfo=UTC), "mailbox": mailbox}
    return connection.execute(f"{_CHOSEN} GROUP BY d.message_key LIMIT 1", given).fetchone() is not None


def ask(
    connection: Connection, *, redecision: UUID, author: str, reason: str, since: datetime, mailbox: str | None,
    settings_version: int,
) -> int:  # fmt: skip
    """
    Leave jobs that decide these messages again, the oldest first; return how many messages there are.

    Each job has a bounded number of them, and mail that comes in meanwhile is not held up: its jobs go first.
    """
    given = {
        "id": redecision, "author": author, "reason": reason, "since": since, "mailbox": mailbox,
        "settings_version": settings_version, "at_once": MESSAGES_AT_ONCE, "cause": CAUSE,
    }  # fmt: skip
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute(_ASK, given)
    row = connection.execute(_LEAVE, given).fetchone()
    assert row is not None
    return int(row[0])


def among(connection: Connection, keys: Sequence[UUID], redecision: UUID) -> tuple[frozenset[UUID], int]:
    """Return those of these messages that were asked for, and the version that the settings must have reached."""
    row = connection.execute(
        "SELECT since, mailbox, settings_version FROM resolver.redecision WHERE id = %s", (redecision,)
    ).fetchone()
    assert row is not None
    since, mailbox, version = row
    found = connection.execute(_AMONG, {"since": since, "mailbox": mailbox, "keys": list(keys)}).fetchall()
    return frozenset(key for key, _ in found), version


def redecide(
    connection: Connection, keys: Sequence[UUID], blobs: BlobFolder, settings: Settings, redecision: UUID
) -> None:
    """
    Decide these messages as if they were undecided, and write what differs, in the caller's transaction.

    Unlike any other deciding it also withdraws. What has no decision is about to get one, and what can no longer be
    read keeps its own, unless it can be fetched again. What depends on a change is decided again by a job of the same
    redecision.
    """
    seen = reading.lock(connection, keys)
    circling = circles.mark(connection, keys)
    decided = reading.current(connection, keys)
    deliveries = [d for group in reading.deliveries(connection, keys).values() for d in group.values()]
    items, without = contents([one for one in deliveries if one.delivery_id in decided], blobs)
    content_requests.ask(connection, without, cause=CAUSE, redecision=redecision)
    items = [limited(item, blobs, settings.largest) for item in items]
    ledger = reading.read(
        connection,
        keys,
        items,
        mailbox_owners=dict(settings.mailbox_owners),
        prefixes=settings.policy.token_prefixes,
    )
    matching = smart_matching.begin(connection, items, ledger, settings)
    before = forget(items, ledger)
    run = settle_all(items, ledger, settings, matching, cause=CAUSE)
    found = changes(before, run, items, ledger)
    for key in found.messages:
        note_changed(ledger.known[key].id_key, key, ledger, found.filing)
    _follow(connection, found.filing.changed_ids, found.filing.changed_places, redecision)
    found.filing.changed_ids.clear()
    write(connection, found.filing, ledger, settings_version=settings.policy.version, seen=seen)
    matching.write(connection)
    joining.ask(connection, items, ledger, found.filing)
    awaiting.note(connection, items, ledger, settings.hash_key)
    connection.execute(
        "UPDATE resolver.decision SET redecision = %s WHERE current AND delivery_id = ANY(%b)",
        (redecision, [row.delivered.delivery_id for row in found.filing.decisions]),
    )
    if circling:
        connection.execute(
            "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', %s, 'circle')", (circling,)
        )


def _follow(connection: Connection, ids: set[UUID], places: set[tuple[UUID, str]], redecision: UUID) -> None:
    if not ids:
        return
    ordered = sorted(places)
    connection.execute(
        "INSERT INTO resolver.job (targets, roots, above, cause, redecision) VALUES (%b, %s, %s, %s, %s)",
        (sorted(ids), [root for root, _ in ordered], [value for _, value in ordered], CAUSE, redecision),
    )
