"""The rows of a mailbox's life: where it stands, the steps that led there, the result of its last test."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg import Connection

from services.domain.alert_signals import of_passed_test
from services.domain.identity import Direction
from services.domain.mailbox_state import Outcome, Phase, State
from services.fetcher.deliveries import OWNER
from services.runtime import signals

HISTORY = timedelta(days=90)
INCOMING = Direction.INCOMING

_STATE: LiteralString = "SELECT mailbox, phase, since, reason, attempts, settings_version, left_out"
_STATES: LiteralString = _STATE + " FROM fetcher.mailbox_state"


@dataclass(frozen=True, slots=True)
class Known:
    """
    A state as it is stored; settings older than ``version`` decide nothing about it.

    ``left_out`` has the codes of the alerts that are open because folders could not be read.
    """

    state: State
    version: int
    left_out: frozenset[str] = frozenset()


def known(connection: Connection[Any], mailbox: str, direction: Direction = INCOMING) -> Known | None:
    """Return where a mailbox stands, or None when it is new."""
    row = connection.execute(_STATES + " WHERE mailbox = %s AND direction = %s", (mailbox, direction)).fetchone()
    return _known(row[1:]) if row else None


def held(connection: Connection[Any], mailbox: str, fence: int) -> Known | None:
    """
    Lock a mailbox to the end of the transaction and return where it stands; None when it is new or the number outrun.

    Both rows are locked: a snapshot from before the wait for the first would show the second as it was then.
    """
    row = connection.execute(
        _STATE + " FROM fetcher.mailbox m JOIN fetcher.mailbox_state s USING (mailbox)"
        " WHERE mailbox = %s AND fence = %s AND direction = %s FOR UPDATE OF m, s",
        (mailbox, fence, INCOMING),
    ).fetchone()
    return _known(row[1:]) if row else None


def all_known(connection: Connection[Any], direction: Direction = INCOMING) -> dict[str, Known]:
    """Return where every mailbox stands."""
    rows = connection.execute(_STATES + " WHERE direction = %s", (direction,))
    return {mailbox: _known(values) for mailbox, *values in rows}


def _known(columns: Sequence[Any]) -> Known:
    phase, since, reason, attempts, version, left_out = columns
    return Known(State(phase=Phase(phase), since=since, reason=reason, attempts=attempts), version, frozenset(left_out))


def write(
    connection: Connection[Any], mailbox: str, outcome: Outcome, version: int, direction: Direction = INCOMING
) -> None:
    """Write the state and the steps that led there; steps of more than 90 days ago go."""
    state = outcome.state
    cause = outcome.steps[-1].cause if outcome.steps else None
    connection.execute(
        "INSERT INTO fetcher.mailbox_state AS s"
        " (mailbox, direction, phase, since, reason, attempts, cause, settings_version)"
        " VALUES (%s, %s, %s, %s, %s, %s, coalesce(%s, ''), %s) ON CONFLICT (mailbox, direction) DO UPDATE SET"
        " phase = excluded.phase, since = excluded.since, reason = excluded.reason, attempts = excluded.attempts,"
        " cause = coalesce(%s, s.cause), settings_version = excluded.settings_version",
        (mailbox, direction, state.phase, state.since, state.reason, state.attempts, cause, version, cause),
    )
    for step in outcome.steps:
        connection.execute(
            "INSERT INTO fetcher.mailbox_transition"
            " (mailbox, direction, from_phase, to_phase, reason, cause, time, settings_version)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (mailbox, direction, step.before.phase, step.after.phase, step.after.reason, step.cause, step.after.since,
             version),
        )  # fmt: skip
    if outcome.steps:
        connection.execute(
            "DELETE FROM fetcher.mailbox_transition WHERE mailbox = %s AND direction = %s AND time < %s",
            (mailbox, direction, state.since - HISTORY),
        )


def leave_out(connection: Connection[Any], mailbox: str, codes: Iterable[str]) -> None:
    """Write the codes of the alerts that are open because folders could not be read."""
    connection.execute(
        "UPDATE fetcher.mailbox_state SET left_out = %s WHERE mailbox = %s AND direction = %s",
        (sorted(codes), mailbox, INCOMING),
    )


def tested(connection: Connection[Any], mailbox: str, failure: str | None, at: datetime, direction: Direction) -> None:
    """Write how a test ended: with a failure in words, or well; who asked for one is told that it passed."""
    if failure is None and _asked_for(connection, mailbox, direction):
        signals.append(connection, OWNER, of_passed_test(mailbox, direction, at=at))
    connection.execute(
        "UPDATE fetcher.mailbox_state SET test_result = %s, test_detail = %s, tested = %s"
        " WHERE mailbox = %s AND direction = %s",
        ("success" if failure is None else "failure", failure or "", at, mailbox, direction),
    )


def _asked_for(connection: Connection[Any], mailbox: str, direction: Direction) -> bool:
    """Whether a person has asked for a test since the end of the one before."""
    asked = connection.execute(
        "SELECT FROM fetcher.command c JOIN fetcher.mailbox_state s ON s.mailbox = %s AND s.direction = %s"
        " WHERE c.object = %s AND c.refused = '' AND c.applied > coalesce(s.tested, '-infinity') LIMIT 1",
        (mailbox, direction, f"mailbox/{mailbox}"),
    ).fetchone()
    return asked is not None
