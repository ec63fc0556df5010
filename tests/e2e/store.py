"""What the end-to-end tests read from PostgreSQL, with the role that may only read."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

VOLATILE = {"timestamp with time zone"}
POSITIONS = {"directory_record", "directory_progress"}
"""Tables that say where on its topic a record stood: one that comes again stands elsewhere."""
PASSING = {"outbox", "reject_streak", "arrived_principal", "gained_address", "merged_record"}


@dataclass(frozen=True, order=True)
class Decided:
    """The current decision about one delivery; ids are Message-IDs."""

    mailbox: str
    outcome: str
    accepted_by: str
    method: str
    answers: str
    activity_answers: str
    parent: str


_DECIDED = """
    SELECT m.message_id, resolver.root(m.thread), v.mailbox, d.outcome,
           coalesce(d.accepted_type || ':' || d.accepted_id, ''), d.method, coalesce(c.message_id, ''),
           coalesce(am.message_id, ''), coalesce(pm.message_id, '')
      FROM resolver.message m
      JOIN resolver.delivery v USING (message_key)
      JOIN resolver.decision d ON d.delivery_id = v.id AND d.current
      LEFT JOIN resolver.message c ON c.message_key = d.correlated
      LEFT JOIN resolver.activity a ON a.id = d.activity_id
      LEFT JOIN resolver.activity aa ON aa.id = a.correlated
      LEFT JOIN resolver.message am ON am.message_key = aa.message_key
      LEFT JOIN resolver.activity pa ON pa.id = a.parent
      LEFT JOIN resolver.message pm ON pm.message_key = pa.message_key
     WHERE m.message_id LIKE %s
"""


def connect(url: str) -> psycopg.Connection[Any]:
    """Connect with the reader's role."""
    return psycopg.connect(url, options="-c role=mailweave_reader", autocommit=True)


def rows(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of one query."""
    with closing(connect(url)) as connection:
        return connection.execute(query, values).fetchall()


def decisions(url: str, pattern: str) -> dict[str, tuple[int, list[Decided]]]:
    """Return thread and decisions of every message whose id is like the pattern."""
    found: dict[str, tuple[int, list[Decided]]] = {}
    for message_id, thread, *rest in rows(url, _DECIDED, pattern):
        found.setdefault(message_id, (thread, []))[1].append(Decided(*rest))
    return {message_id: (thread, sorted(decided)) for message_id, (thread, decided) in found.items()}


def thread_of(url: str, message_id: str) -> int:
    """Return the thread of a message, through every merge that the resolver knows."""
    ((thread,),) = rows(url, "SELECT resolver.root(thread) FROM resolver.message WHERE message_id = %s", message_id)
    return int(thread)


def dump(url: str, schemas: Sequence[str]) -> Mapping[str, list[str]]:
    """Return every row of every table that lasts, as text, without times and positions; their order does not count."""
    columns: dict[tuple[str, str], list[str]] = {}
    query = """SELECT c.table_schema, c.table_name, c.column_name, c.data_type FROM information_schema.columns c
                 JOIN information_schema.tables t USING (table_schema, table_name)
                WHERE t.table_type = 'BASE TABLE' AND c.table_schema = ANY(%s)"""
    for schema, table, column, kind in rows(url, query, list(schemas)):
        if table not in PASSING and kind not in VOLATILE and not (table in POSITIONS and column == "offset"):
            columns.setdefault((schema, table), []).append(column)
    content = {}
    with closing(connect(url)) as connection:
        for (schema, table), names in sorted(columns.items()):
            fields = sql.SQL(", ").join(map(sql.Identifier, sorted(names)))
            select = sql.SQL("SELECT ROW({})::text FROM {}").format(fields, sql.Identifier(schema, table))
            content[f"{schema}.{table}"] = sorted(text for (text,) in connection.execute(select))
    return content
