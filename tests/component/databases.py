"""Databases of their own for tests: copies of a migrated one, which is faster than migrating each."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg


@contextmanager
def created(server: str, template: str = "template1") -> Iterator[str]:
    """Give the URL of a copy of a database, dropped at the end; ``server`` is a URL whose login may create some."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def name_of(url: str) -> str:
    """Return the name of the database of a URL."""
    return urlsplit(url).path.strip("/")
