"""What the fetcher knows of routers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection

from services.storage.reports.reading import rows


@dataclass(frozen=True, slots=True)
class Seen:
    """A router: when it was last heard, None when never; ``silent`` when an alert says that it is missed."""

    router: str
    heard: datetime | None
    silent: bool


def seen(connection: Connection[Any]) -> dict[str, Seen]:
    """Return every router that was heard or is needed, by name."""
    query: LiteralString = "SELECT router, heard, silent FROM fetcher.router WHERE router <> '' ORDER BY router"
    return {row["router"]: Seen(**row) for row in rows(connection, query)}


def reader_of(connection: Connection[Any], mailbox: str) -> str | None:
    """Return the router that has claimed a mailbox last, or None when none ever has."""
    query: LiteralString = "SELECT router FROM fetcher.mailbox WHERE mailbox = %(mailbox)s"
    found = rows(connection, query, {"mailbox": mailbox})
    return found[0]["router"] if found else None


def mailboxes(connection: Connection[Any]) -> dict[str, int]:
    """Return how many mailboxes each router has claimed last."""
    query: LiteralString = (
        "SELECT router, count(*) AS mailboxes FROM fetcher.mailbox WHERE router IS NOT NULL GROUP BY router"
    )
    return {row["router"]: row["mailboxes"] for row in rows(connection, query)}
