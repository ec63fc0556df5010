"""
The life of mailboxes in the outgoing direction, as :mod:`services.fetcher.lifecycle` has that of the incoming one.

It has no lease and no fencing number: when its server is asked next stands in the row of the state, and whoever asks
moves that time on, under the lock of the mailbox's row.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from services.domain.alert_signals import of_mailbox
from services.domain.approval import Permit
from services.domain.identity import Direction
from services.domain.mailbox_state import (
    Began,
    Event,
    Failed,
    Permitted,
    Phase,
    State,
    Succeeded,
    TestRequested,
    decide,
)
from services.domain.schedule import due_in
from services.fetcher import mailbox_rows
from services.fetcher.deliveries import OWNER, Database
from services.fetcher.mailbox_rows import Known
from services.runtime import signals

OUTGOING = Direction.OUTGOING
CLAIM = timedelta(minutes=5)
"""How long nobody else asks; a process that dies meanwhile leaves the question to the next."""
USUAL = 60.0  # seconds, from which on waiting grows


def settle(
    database: Database, permits: Mapping[str, Permit], changed: Collection[str], version: int, at: datetime
) -> None:
    """Bring every mailbox to what the settings of this version allow, and have those tested that they have changed."""
    with database.transaction() as connection:
        known = mailbox_rows.all_known(connection, OUTGOING)
    for mailbox, permit in {**dict.fromkeys(known, Permit.DEACTIVATED), **permits}.items():
        here = known.get(mailbox)
        if here is None and permit is not Permit.ALLOWED:
            continue
        if here is None or decide(here.state, Permitted(permit), at).steps or mailbox in changed:
            with database.transaction() as connection:
                insert = "INSERT INTO fetcher.mailbox (mailbox) VALUES (%s) ON CONFLICT DO NOTHING"
                connection.execute(insert, (mailbox,))
                take(connection, mailbox, Permitted(permit), version, at)
                if mailbox in changed:
                    take(connection, mailbox, TestRequested(), version, at)


def due(database: Database, at: datetime, limit: int) -> list[str]:
    """Claim mailboxes whose outgoing server is to be asked now."""
    with database.transaction() as connection:
        rows = connection.execute(
            "UPDATE fetcher.mailbox_state SET next_try = %s WHERE direction = %s AND mailbox IN ("
            " SELECT mailbox FROM fetcher.mailbox_state WHERE direction = %s AND next_try <= %s"
            " ORDER BY next_try LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING mailbox",
            (at + CLAIM, OUTGOING, OUTGOING, at, limit),
        ).fetchall()
    return [mailbox for (mailbox,) in rows]


def began(database: Database, mailbox: str, version: int, at: datetime) -> None:
    """Note that the outgoing server is being asked."""
    with database.transaction() as connection:
        take(connection, mailbox, Began(), version, at)


def ended(
    database: Database, mailbox: str, how: Succeeded | Failed, version: int, at: datetime, *, chance: float
) -> None:
    """Note what came of it."""
    with database.transaction() as connection:
        take(connection, mailbox, how, version, at, chance=chance)


def request_test(connection: Connection[Any], mailbox: str, at: datetime) -> bool:
    """Schedule a test in the caller's transaction; return whether there will be one."""
    if mailbox_rows.known(connection, mailbox, OUTGOING) is None:
        return False
    return take(connection, mailbox, TestRequested(), 0, at).phase is Phase.TEST_SCHEDULED


def take(
    connection: Connection[Any], mailbox: str, event: Event, version: int, at: datetime, *, chance: float = 0.0
) -> State:
    """Apply an event under the lock of the mailbox's row; the settings of a replica that lags behind decide nothing."""
    connection.execute("SELECT FROM fetcher.mailbox WHERE mailbox = %s FOR UPDATE", (mailbox,))
    known = mailbox_rows.known(connection, mailbox, OUTGOING) or Known(State(phase=Phase.CREATED, since=at), 0)
    if isinstance(event, Permitted) and version < known.version:
        return known.state
    outcome = decide(known.state, event, at)
    state = outcome.state
    when = max(at, state.since)
    if state != known.state:
        mailbox_rows.write(connection, mailbox, outcome, max(version, known.version), OUTGOING)
        connection.execute(
            "UPDATE fetcher.mailbox_state SET next_try = %s WHERE mailbox = %s AND direction = %s",
            (_next_try(state, when, chance), mailbox, OUTGOING),
        )
    if known.state.phase is Phase.TESTING and isinstance(event, Succeeded | Failed):
        failure = event.detail if isinstance(event, Failed) else None
        mailbox_rows.tested(connection, mailbox, failure, when, OUTGOING)
    signals.append(connection, OWNER, of_mailbox(mailbox, OUTGOING, outcome, fence=None, at=when))
    return state


def _next_try(state: State, at: datetime, chance: float) -> datetime | None:
    """A server that lets it send is not asked again: sending will tell."""
    if state.phase is Phase.TESTING:
        return at + CLAIM
    due = None if state.phase is Phase.ENABLED else due_in(state, USUAL, chance=chance)
    return None if due is None else at + due
