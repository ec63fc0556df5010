"""Notices of the correlator that an earlier answer about threads has changed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.resolver.arrivals import Merged, Moved

LOCK_DECIDING = 0x6D77_0001
"""Advisory lock: transactions that store or decide hold it shared; thread notices take it alone."""


def apply(connection: psycopg.Connection[Any], notices: Sequence[Merged | Moved]) -> list[UUID]:
    """
    Keep every notice, known thread or not, and return the activities whose thread has changed.

    Holding the lock alone means that no activity is being made with the old thread at this moment. A notice
    that came before changes nothing, so a redelivery returns nothing.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_DECIDING,))
    changed: list[UUID] = []
    for notice in notices:
        match notice:
            case Merged():
                changed.extend(_merge(connection, notice))
            case Moved():
                changed.extend(_move(connection, notice))
    return changed


def _merge(connection: psycopg.Connection[Any], notice: Merged) -> list[UUID]:
    fresh = connection.execute(
        "INSERT INTO resolver.thread_merge (loser, winner, version) VALUES (%s, %s, %s)"
        " ON CONFLICT (loser) DO NOTHING RETURNING loser",
        (notice.loser, notice.winner, notice.version),
    ).fetchone()
    if fresh is None:
        return []
    rows = connection.execute(
        "SELECT a.id FROM resolver.message m JOIN resolver.activity a USING (message_key) WHERE m.thread = %s",
        (notice.loser,),
    ).fetchall()
    connection.execute(
        # Its version stays: a later notice that moves some of these messages may come before this one, or after it.
        "UPDATE resolver.message SET thread = %s WHERE thread = %s",
        (notice.winner, notice.loser),
    )
    return [activity for (activity,) in rows]


def _move(connection: psycopg.Connection[Any], notice: Moved) -> list[UUID]:
    fresh = connection.execute(
        "INSERT INTO resolver.thread_move AS t (message_key, thread, version)"
        " SELECT u, %s, %s FROM unnest(%b::uuid[]) u"
        " ON CONFLICT (message_key) DO UPDATE SET thread = excluded.thread, version = excluded.version"
        " WHERE excluded.version > t.version RETURNING message_key",
        (notice.thread, notice.version, list(notice.messages)),
    ).fetchall()
    keys = [key for (key,) in fresh]
    connection.execute(
        "UPDATE resolver.message SET thread = resolver.root(%s), graph_version = %s"
        " WHERE message_key = ANY(%b) AND graph_version < %s",
        (notice.thread, notice.version, keys, notice.version),
    )
    rows = connection.execute(
        "SELECT id FROM resolver.activity WHERE message_key = ANY(%b)",
        (keys,),
    ).fetchall()
    return [activity for (activity,) in rows]
