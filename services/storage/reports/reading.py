"""One consistent look at the store: a read-only snapshot in which long answers can be streamed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import dict_row

ROWS_AT_ONCE = 500


@contextmanager
def snapshot(connection: Connection[Any]) -> Iterator[Connection[Any]]:
    """
    Give the connection inside one read-only snapshot: all queries see the same moment.

    The usual time-outs are lifted for it, because a person may page slowly through a long answer.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield connection


def stream(
    connection: Connection[Any], name: str, query: LiteralString, values: Mapping[str, object] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query through a cursor on the server: memory does not grow with the answer."""
    with connection.cursor(name, row_factory=dict_row) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(query, values)
        yield from cursor


def rows(
    connection: Connection[Any], query: LiteralString, values: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """Return all rows of a short answer."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


def number(connection: Connection[Any], query: LiteralString, values: Mapping[str, object] | None = None) -> int:
    """Return the one number a query answers with."""
    row = connection.execute(query, values).fetchone()
    return int(row[0]) if row else 0
