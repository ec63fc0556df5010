"""
The life of mailboxes in PostgreSQL: each transition with its cause, its history and its signals in one transaction.

What follows from what is decided in :mod:`services.domain.mailbox_state`. Everything about a mailbox is written under
the lock of its row. This is the incoming direction; :mod:`services.fetcher.outgoing_life` has the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from services.domain.alert_signals import of_left_out, of_mailbox
from services.domain.approval import Permit
from services.domain.identity import Direction
from services.domain.mailbox_state import (
    UNREAD,
    Began,
    Event,
    Failed,
    LeftOut,
    Permitted,
    Phase,
    State,
    Succeeded,
    TestRequested,
    decide,
)
from services.domain.schedule import due_in
from services.fetcher import mailbox_rows
from services.fetcher.cursor import OUTRUN, FenceLost, hold
from services.fetcher.deliveries import OWNER, Database
from services.fetcher.mailbox_rows import Known
from services.runtime import signals

UNSEEN = "the fetcher does not know it yet; its first check is its test"
AT_ONCE = 200  # a check that claims one of them waits for the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A mailbox in hand: under which fencing number and which settings something is said of it."""

    mailbox: str
    fence: int
    version: int


def begin(database: Database, held: Holding, at: datetime) -> State:
    """Note that a mailbox which the settings allow is being checked, and return its state. Raises ``FenceLost``."""
    with database.transaction() as connection:
        hold(connection, held.mailbox, held.fence)
        for event in (Permitted(Permit.ALLOWED), Began()):
            state = _take(connection, held, event, at)
    return state


def end(
    database: Database,
    held: Holding,
    how: Succeeded | Failed,
    at: datetime,
    *,
    poll_seconds: float,
    more: bool,
    chance: float,
    whole: bool = True,
) -> timedelta:
    """
    Note how a check ended and return when the next one is due; at once when there is ``more`` to be read.

    ``whole`` is whether it came to all folders.

    What a check says of a mailbox that may not be read any more is not kept. Raises ``FenceLost``.
    """
    with database.transaction() as connection:
        known = mailbox_rows.held(connection, held.mailbox, held.fence)
        if known is None:
            raise FenceLost(OUTRUN)
        state = _apply(connection, held, how, at, known)
        if isinstance(how, Succeeded) and state.phase not in UNREAD:
            _leave_out(connection, held, how.left_out, at, before=known.left_out, whole=whole and not more)
        due = due_in(state, poll_seconds, chance=chance)
        delay = timedelta() if due is None or more else due
        failed = how if isinstance(how, Failed) and state.phase not in UNREAD else None
        connection.execute(
            "UPDATE fetcher.mailbox SET last_check = %s, next_check = %s, last_error = %s, last_error_code = %s,"
            " error_count = %s WHERE mailbox = %s",
            (at, None if due is None else at + delay, failed and failed.detail, failed and failed.code,
             state.attempts, held.mailbox),
        )  # fmt: skip
    return delay


def _leave_out(
    connection: Connection[Any],
    held: Holding,
    left_out: Sequence[LeftOut],
    at: datetime,
    *,
    before: frozenset[str],
    whole: bool,
) -> None:
    """Signal which folders could not be read; a cause is over when a check that came to all folders did not meet it."""
    over = sorted(before - {one.code for one in left_out}) if whole else []
    after = (before | {one.code for one in left_out}) - set(over)
    if after != before:
        mailbox_rows.leave_out(connection, held.mailbox, after)
    signals.append(connection, OWNER, of_left_out(held.mailbox, left_out, over, fence=held.fence, at=at))


def request_test(connection: Connection[Any], mailbox: str, at: datetime) -> str:
    """Schedule a test of a mailbox, in the caller's transaction; return why not, or nothing."""
    row = connection.execute("SELECT fence FROM fetcher.mailbox WHERE mailbox = %s FOR UPDATE", (mailbox,)).fetchone()
    if row is None:
        return UNSEEN
    state = _take(connection, Holding(mailbox=mailbox, fence=row[0], version=0), TestRequested(), at)
    if state.phase in UNREAD:
        return "it is not approved" if state.phase is Phase.PENDING_APPROVAL else "it is deactivated"
    return "" if state.phase is Phase.TEST_SCHEDULED else UNSEEN


def settle(database: Database, permits: Mapping[str, Permit], version: int, at: datetime) -> None:
    """
    Bring every mailbox to what the settings of this version allow; one that they do not name is deactivated.

    A mailbox that is locked has its turn at the next call. The signals are under the next fencing number, so that what
    a check that still runs says is late; its own number stays valid: what it has handed over must still get its rows.
    """
    with database.transaction() as connection:
        known = mailbox_rows.all_known(connection)
    wanted = {**dict.fromkeys(known, Permit.DEACTIVATED), **permits}
    new = sorted(m for m, permit in wanted.items() if _differs(known.get(m), permit, version, at))
    for first in range(0, len(new), AT_ONCE):
        some = {mailbox: wanted[mailbox] for mailbox in new[first : first + AT_ONCE]}
        with database.transaction() as connection:
            _settle(connection, some, version, at)


def failed_before(database: Database, version: int) -> list[str]:
    """Return the mailboxes that last failed under settings older than this version."""
    with database.transaction() as connection:
        known = mailbox_rows.all_known(connection)
    failing = (Phase.BACKING_OFF, Phase.DISABLED)
    return sorted(m for m, here in known.items() if here.state.phase in failing and here.version < version)


def _settle(connection: Connection[Any], permits: Mapping[str, Permit], version: int, at: datetime) -> None:
    connection.execute(
        "INSERT INTO fetcher.mailbox (mailbox) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (list(permits),)
    )
    locked = connection.execute(
        "SELECT mailbox, fence FROM fetcher.mailbox WHERE mailbox = ANY(%s) ORDER BY mailbox FOR UPDATE SKIP LOCKED",
        (list(permits),),
    ).fetchall()
    unread = []
    for mailbox, fence in locked:
        held = Holding(mailbox=mailbox, fence=fence + 1, version=version)
        state = _take(connection, held, Permitted(permits[mailbox]), at)
        unread += [mailbox] if state.phase in UNREAD else []
    connection.execute(
        "UPDATE fetcher.mailbox SET next_check = NULL, last_error = NULL, last_error_code = NULL, error_count = 0"
        " WHERE mailbox = ANY(%s)",
        (unread,),
    )


def _differs(known: Known | None, permit: Permit, version: int, at: datetime) -> bool:
    if known is None:
        return permit is not Permit.DEACTIVATED
    return version >= known.version and bool(decide(known.state, Permitted(permit), at).steps)


def _take(connection: Connection[Any], held: Holding, event: Event, at: datetime) -> State:
    """Apply an event under the lock of the mailbox's row."""
    known = mailbox_rows.known(connection, held.mailbox) or Known(State(phase=Phase.CREATED, since=at), 0)
    return _apply(connection, held, event, at, known)


def _apply(connection: Connection[Any], held: Holding, event: Event, at: datetime, known: Known) -> State:
    """Apply an event to what is known; the settings of a replica that lags behind decide nothing."""
    if isinstance(event, Permitted) and held.version < known.version:
        return known.state
    outcome = decide(known.state, event, at)
    if outcome.state != known.state:
        mailbox_rows.write(connection, held.mailbox, outcome, max(held.version, known.version))
    when = max(at, outcome.state.since)
    if known.state.phase is Phase.TESTING and isinstance(event, Succeeded | Failed):
        failure = event.detail if isinstance(event, Failed) else "; ".join(one.detail for one in event.left_out) or None
        mailbox_rows.tested(connection, held.mailbox, failure, when, Direction.INCOMING)
    said = of_mailbox(held.mailbox, Direction.INCOMING, outcome, fence=held.fence, at=when)
    signals.append(connection, OWNER, said)
    if outcome.state.phase in UNREAD and outcome.steps:
        _leave_out(connection, held, (), when, before=known.left_out, whole=True)
    return outcome.state
