"""
Outboxes: what a change must tell the world is written in the transaction of the change, and sent afterwards.

A row is deleted only after the broker acknowledged it. So every record is sent at least once, and none that belongs to
a change that was rolled back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from services.storage.postgres import Database

# A record may have 8 MiB; a drainer must not grow by 500 of them.
_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A record to be sent. ``value`` None is a tombstone."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)


def append(connection: psycopg.Connection[Any], schema: str, rows: Sequence[OutboxRow]) -> None:
    """Add rows, in their order, inside the caller's transaction."""
    if not rows:
        return
    statement = sql.SQL("COPY {} (topic, key, value, headers) FROM STDIN (FORMAT BINARY)").format(_table(schema))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(["text", "bytea", "bytea", "jsonb"])
        for row in rows:
            copy.write_row((row.topic, row.key, row.value, Jsonb(dict(row.headers))))


def drain(database: Database, schema: str, send: Callable[[list[OutboxRow]], None], limit: int = 500) -> int:
    """
    Send the oldest rows and delete them; return how many.

    ``send`` must return only when all of them are acknowledged; when it raises, nothing is deleted and the error
    passes. Returns 0 at once when another session drains this outbox, and when it is empty. Fewer than ``limit`` rows
    may be taken when they are large.
    """
    with database.locked(f"outbox {schema}") as connection:
        if connection is None:
            return 0
        found = connection.execute(_oldest(schema), (limit, _BYTES)).fetchall()
        if not found:
            return 0
        # No transaction is open while the broker is slow: it would hold back vacuum, and time out.
        send([OutboxRow(topic, key, value, headers) for _, topic, key, value, headers in found])
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE id = ANY(%b)").format(_table(schema)), ([row[0] for row in found],)
        )
        return len(found)


def _table(schema: str) -> sql.Identifier:
    return sql.Identifier(schema, "outbox")


def _oldest(schema: str) -> sql.Composed:
    """Never a remembered position: a transaction with a smaller id may commit after one with a larger id."""
    return sql.SQL(
        "SELECT id, topic, key, value, headers FROM ("
        " SELECT o.*, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY id)"
        "        - coalesce(octet_length(value), 0) AS before"
        " FROM (SELECT * FROM {} ORDER BY id LIMIT %s) o"
        ") sized WHERE before < %s ORDER BY id"
    ).format(_table(schema))
