"""What a command needs from the outside: the config, a connection with the right role, the live services."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any

from psycopg import Connection

from services.domain.errors import Retry
from services.runtime import config as configuration
from services.runtime import status
from services.runtime.config import Config
from services.storage import cache, postgres
from services.storage.reports.reading import snapshot

SERVICES = ("fetcher", "correlator", "resolver", "alerter")


def config() -> Config:
    """Return the config of this environment."""
    return configuration.load()


@contextmanager
def store(of: Config, role: str) -> Iterator[Connection[Any]]:
    """Give a connection with a role, each statement its own transaction."""
    with closing(postgres.connect(of.postgres, role)) as connection:
        yield connection


@contextmanager
def reading(of: Config) -> Iterator[Connection[Any]]:
    """Give one consistent, read-only look at the store."""
    with store(of, "reader") as connection, snapshot(connection):
        yield connection


def running(of: Config) -> list[status.Status]:
    """Return the services that live now, by name and instance."""
    with closing(cache.redis_client(of.redis)) as redis:
        return sorted(status.running(redis), key=lambda s: (s.service, s.instance))


def running_if_known(of: Config) -> list[status.Status] | None:
    """Return the services that live now, or None when Redis does not answer."""
    try:
        return running(of)
    except Retry:
        return None


def ready(of: Config, process: status.Status) -> bool:
    """Ask a process on this machine whether it can do its work."""
    host = "127.0.0.1" if of.metrics_host in ("", "0.0.0.0") else of.metrics_host  # noqa: S104 - compared, not bound
    try:
        with closing(HTTPConnection(host, process.metrics_port, timeout=2)) as http:
            http.request("GET", "/ready")
            return http.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
