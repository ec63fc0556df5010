"""A fresh, migrated database for each test of the correlator's graph."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from services.storage.migrate import migrate


@pytest.fixture
def url(stack: Any) -> Iterator[str]:
    """Return the URL of a database of its own; it is gone after the test."""
    server = stack.environ["MAILWEAVE_POSTGRES"]
    name = f"correlator_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    try:
        own = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        migrate(own)
        yield own
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
