"""The first of the two transactions of a batch: what came in is stored before anything is decided on it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.resolver import naming, relinks
from services.resolver.arrivals import Arrival, Delivered
from services.resolver.threads import LOCK_DECIDING
from services.resolver.writing import announce
from services.storage.inserting import upsert

# A copy of the message with other ids may have brought the target nearer.
_NEARER = "DO UPDATE SET position = excluded.position WHERE excluded.position < evidence.position"


def store(connection: psycopg.Connection[Any], arrivals: Sequence[Arrival]) -> None:
    """
    Store messages, evidence and deliveries; what is there already stays as it is.

    When evidence is new for a message that was there before, a job is left to decide it again: another replica may
    be deciding it at this moment without that evidence. A redelivery changes no row.
    """
    # No merge is applied between here and the commit, so none is missed.
    connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (LOCK_DECIDING,))
    messages = {a.delivered.message_key: a for a in sorted(arrivals, key=lambda a: a.graph_version)}
    inserted = upsert(
        connection,
        "resolver.message",
        ("message_key", "id_key", "message_id", "thread", "graph_version"),
        [(key, a.id_key, a.message_id, a.thread, a.graph_version) for key, a in messages.items()],
        key=("message_key",),
        returning=("message_key",),
    )
    fresh = {key for (key,) in inserted}
    _resolve_threads(connection, sorted(fresh))
    _newer_threads(connection, [a for key, a in messages.items() if key not in fresh])
    pieces = {
        (a.delivered.message_key, e.target, e.kind): (
            a.delivered.message_key,
            e.target,
            e.kind,
            e.cls,
            e.position,
            e.value,
        )
        for a in messages.values()
        for e in a.evidence
    }
    changed = upsert(
        connection,
        "resolver.evidence",
        ("child", "target", "kind", "cls", "position", "value"),
        pieces.values(),
        key=("child", "target", "kind"),
        conflict=_NEARER,
        returning=("child", "target", "kind"),
    )
    relinks.respect(connection, sorted(messages))
    _again(connection, sorted({child for child, _, _ in changed} - fresh))
    ids = naming.renamed(connection, changed)
    if ids:
        connection.execute("INSERT INTO resolver.job (targets, cause) VALUES (%b, 'alias')", (ids,))
    deliveries = {a.delivered.delivery_id: a.delivered for a in arrivals}
    _tracked(connection, [d for d in deliveries.values() if d.tracked_by])
    upsert(
        connection,
        "resolver.delivery",
        (
            "id",
            "message_key",
            "direction",
            "direction_flag",
            "source",
            "mailbox",
            "folder",
            "folder_role",
            "uidvalidity",
            "uid",
            "internal_date",
            "blob_sha256",
            "tracked_by",
            "wrapper_sha256",
            "wrapper_messages",
        ),
        [
            (
                d.delivery_id,
                d.message_key,
                d.direction,
                d.direction_flag,
                d.source,
                d.mailbox,
                d.folder,
                d.folder_role,
                d.uidvalidity,
                d.uid,
                d.internal_date,
                d.blob_sha256,
                d.tracked_by,
                d.wrapper_sha256,
                d.wrapper_messages,
            )
            for d in deliveries.values()
        ],
        key=("id",),
    )


def _tracked(connection: psycopg.Connection[Any], marked: Sequence[Delivered]) -> None:
    """Note what a person has flagged since it was delivered, and leave a job to decide it again."""
    if not marked:
        return
    rows = connection.execute(
        "UPDATE resolver.delivery d SET tracked_by = n.by FROM unnest(%s::uuid[], %s::text[]) AS n(id, by)"
        " WHERE d.id = n.id AND d.tracked_by = '' RETURNING d.message_key",
        ([d.delivery_id for d in marked], [d.tracked_by for d in marked]),
    ).fetchall()
    keys = sorted({key for (key,) in rows})
    if keys:
        connection.execute("INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', %s, 'tracked')", (keys,))


def _newer_threads(connection: psycopg.Connection[Any], known: Sequence[Arrival]) -> None:
    """Let a later graph version move a stored message, and tell of its activities; an earlier one changes nothing."""
    if not known:
        return
    given = (
        [a.delivered.message_key for a in known],
        [a.thread for a in known],
        [a.graph_version for a in known],
    )
    newer = connection.execute(
        "SELECT m.message_key, resolver.root(m.thread) <> resolver.root(n.thread)"
        " FROM resolver.message m JOIN unnest(%b::uuid[], %b::bigint[], %b::bigint[]) AS n(key, thread, version)"
        " ON m.message_key = n.key AND n.version > m.graph_version ORDER BY m.message_key FOR UPDATE OF m",
        given,
    ).fetchall()
    if not newer:
        return
    connection.execute(
        "UPDATE resolver.message m SET thread = resolver.root(n.thread), graph_version = n.version"
        " FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[]) AS n(key, thread, version)"
        " WHERE m.message_key = n.key AND n.version > m.graph_version",
        given,
    )
    moved = [key for key, other in newer if other]
    activities = connection.execute("SELECT id FROM resolver.activity WHERE message_key = ANY(%b)", (moved,))
    announce(connection, [activity for (activity,) in activities], "thread")


def _resolve_threads(connection: psycopg.Connection[Any], fresh: Sequence[UUID]) -> None:
    """Write the thread that a message was moved to, or that a merged one has become: a later merge looks for that."""
    connection.execute(
        "UPDATE resolver.message m SET thread = resolver.root(v.thread), graph_version = v.version"
        " FROM resolver.thread_move v"
        " WHERE v.message_key = m.message_key AND v.version > m.graph_version AND m.message_key = ANY(%b)",
        (list(fresh),),
    )
    connection.execute(
        "UPDATE resolver.message m SET thread = resolver.root(m.thread)"
        " FROM resolver.thread_merge t WHERE t.loser = m.thread AND m.message_key = ANY(%b)",
        (list(fresh),),
    )


def _again(connection: psycopg.Connection[Any], messages: Sequence[UUID]) -> None:
    if messages:
        connection.execute(
            "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', %s, 'evidence')", (list(messages),)
        )
