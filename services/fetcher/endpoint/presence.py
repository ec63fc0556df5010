"""When routers were last heard, and which are missed."""

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from services.domain.alert_signals import of_router
from services.domain.router_silence import ANY, Presence, look
from services.fetcher.deliveries import OWNER, Database
from services.runtime import signals
from services.settings.permits import left_to_routers, readable
from services.settings.snapshot import Snapshot

NOTED_EVERY = timedelta(seconds=10)


def heard(connection: Connection[Any], router: str, at: datetime) -> None:
    """Note that a router was heard; not each time, since it may speak often."""
    connection.execute(
        "INSERT INTO fetcher.router AS r (router, heard) VALUES (%s, %s) ON CONFLICT (router) DO UPDATE"
        " SET heard = excluded.heard WHERE r.heard IS NULL OR r.heard < %s",
        (router, at, at - NOTED_EVERY),
    )


def needed(snapshot: Snapshot) -> frozenset[str]:
    """Return the routers that have mailboxes to read."""
    if not left_to_routers(snapshot):
        return frozenset()
    profiles = (snapshot.profile_of(mailbox) for mailbox in readable(snapshot))
    return frozenset(profile.router or ANY for profile in profiles if profile is not None)


def watch(database: Database, snapshot: Snapshot, at: datetime) -> None:
    """Raise an alert for each router that is missed, and take it back; each change is told once, whoever looks."""
    with database.transaction() as connection:
        # Of the table, for there may be no row yet; whoever says that a router is heard waits a moment.
        connection.execute("LOCK TABLE fetcher.router IN SHARE ROW EXCLUSIVE MODE")
        rows = connection.execute("SELECT router, heard, needed, silent FROM fetcher.router").fetchall()
        known = {
            router: Presence(router=router, heard=heard, needed=needed, silent=silent)
            for router, heard, needed, silent in rows
        }
        changed = look(known, needed(snapshot), at)
        for one in changed:
            connection.execute(
                "INSERT INTO fetcher.router (router, needed, silent) VALUES (%(router)s, %(needed)s, %(silent)s)"
                " ON CONFLICT (router) DO UPDATE SET needed = excluded.needed, silent = excluded.silent",
                {"router": one.router, "needed": one.needed, "silent": one.silent},
            )
        said = [
            of_router(one.router, silent=one.silent, at=at)
            for one in changed
            if one.silent != known.get(one.router, one).silent
        ]
        signals.append(connection, OWNER, said)
