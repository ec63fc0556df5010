"""How often a connection to PostgreSQL waits for an answer, as libpq itself records what is sent and received."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from psycopg import pq

SENT, RECEIVED = "F", "B"


@contextmanager
def traced(database) -> Iterator[list[str]]:
    """Record one connection; the list has who spoke, message by message, once the block has ended."""
    spoke: list[str] = []
    connection = database.connection().pgconn
    with tempfile.TemporaryFile("w+") as file:
        connection.trace(file.fileno())
        connection.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield spoke
        finally:
            connection.untrace()
            file.seek(0)
            spoke += [line[0] for line in file if line[:1] in (SENT, RECEIVED)]


def round_trips(spoke: list[str]) -> int:
    """Return how often something was sent and then waited for."""
    return sum((SENT, RECEIVED) == pair for pair in pairwise(spoke))
