"""
The life of a mailbox in one direction (domain rule 1.8): which state follows from what happens.

    created ─► approved ─► test scheduled ─► testing ─► enabled ⇄ backing off ─► disabled
       └─► pending approval ─┘                              ▲                       │
                                                            └─── a probe succeeds ──┘
    pending approval, deactivated: at any time, when the settings say so

The first check of a mailbox is its test. Disabled is a half-open breaker: it is probed, slowly, and one success enables
it again. A test leaves the alert of what was wrong before open until its result is known.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.domain.approval import Permit

TRIES = 10
NOT_APPROVED = "not_approved"
RETRIES_USED_UP = "retries_used_up"


class Phase(StrEnum):
    """Where a mailbox stands; how far it may be read follows from it."""

    CREATED = "created"
    PENDING_APPROVAL = "pending_approval"
    APPROVED = "approved"
    TEST_SCHEDULED = "test_scheduled"
    TESTING = "testing"
    ENABLED = "enabled"
    BACKING_OFF = "backing_off"
    DISABLED = "disabled"
    DEACTIVATED = "deactivated"


UNREAD = frozenset({Phase.PENDING_APPROVAL, Phase.DEACTIVATED})
"""Nobody connects to a mailbox that is here."""
NOT_STARTED = UNREAD | {Phase.CREATED, Phase.APPROVED}
CHECKED = frozenset({Phase.TESTING, Phase.ENABLED, Phase.BACKING_OFF, Phase.DISABLED})
"""Where the end of a check says something. Elsewhere it began under what is no longer so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """
    One direction of a mailbox. ``attempts`` counts failed checks in a row, in ``DISABLED`` the failed probes.

    ``reason`` is the code of the one alert that is open for it; empty when nothing is wrong.
    """

    phase: Phase
    since: datetime
    reason: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Permitted:
    """The settings say whether the mailbox may be read."""

    permit: Permit


@dataclass(frozen=True, slots=True)
class TestRequested:
    """A person wants to know whether it works."""

    __test__ = False  # pytest collects what is named so


@dataclass(frozen=True, slots=True)
class Began:
    """A check has claimed the mailbox."""


class LeftOut(NamedTuple):
    """A folder that could not be read, or not to its end: code and plain words."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    """A check has come to its end. What it had to leave out disables nothing, but a test fails with it."""

    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """
    A check has failed; ``permanent`` when only a person is likely to mend the cause.

    ``progressed``: mail was handed over before, so the server does answer.
    """

    code: str
    detail: str
    permanent: bool
    progressed: bool = False


Event = Permitted | TestRequested | Began | Succeeded | Failed


@dataclass(frozen=True, slots=True)
class Step:
    """One transition and what caused it: the code of an error, or a few words."""

    before: State
    after: State
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    What follows from an event: the state, the transitions that led there, and the codes of alerts that end and begin.

    A code that is raised again is an observation more of what is wrong still.
    """

    state: State
    steps: tuple[Step, ...] = ()
    cleared: str = ""
    raised: str = ""
    detail: str = ""


def decide(state: State, event: Event, now: datetime) -> Outcome:
    """
    Return what follows from an event. Time does not go back in the life of a mailbox, whatever a clock says.

    An event that means nothing where the mailbox stands changes nothing: it was outrun by another.
    """
    at = max(now, state.since)
    match event:
        case Permitted(Permit.DEACTIVATED):
            return _along(state, [State(phase=Phase.DEACTIVATED, since=at)], "settings")
        case Permitted(Permit.PENDING) if state.phase is not Phase.PENDING_APPROVAL:
            pending = State(phase=Phase.PENDING_APPROVAL, since=at, reason=NOT_APPROVED)
            return _along(state, [pending], "settings", detail="its address is not approved")
        case Permitted(Permit.ALLOWED) if state.phase in NOT_STARTED:
            approved = State(phase=Phase.APPROVED, since=at)
            return _along(state, [approved, replace(approved, phase=Phase.TEST_SCHEDULED)], "settings")
        case TestRequested() if state.phase not in NOT_STARTED:
            scheduled = State(phase=Phase.TEST_SCHEDULED, since=at, reason=state.reason)
            return _along(state, [scheduled], "test requested")
        case Began() if state.phase is Phase.TEST_SCHEDULED:
            return _along(state, [replace(state, phase=Phase.TESTING, since=at)], "test began")
        case Succeeded() if state.phase in CHECKED:
            tested = "test" if state.phase is Phase.TESTING else "check"
            return _along(state, [State(phase=Phase.ENABLED, since=at)], f"{tested} succeeded")
        case Failed() if state.phase in CHECKED:
            return _failed(state, event, at)
        case _:
            return Outcome(state=state)


def _failed(state: State, failed: Failed, at: datetime) -> Outcome:
    was_disabled = state.phase is Phase.DISABLED
    attempts = 1 if failed.progressed else state.attempts + 1
    if failed.permanent:
        phase, reason, attempts = Phase.DISABLED, failed.code, attempts if was_disabled else 1
    elif was_disabled and not failed.progressed:
        # The server is away when the probe comes: that neither mends nor confirms what a person has to mend.
        phase, reason = Phase.DISABLED, state.reason
        if reason != RETRIES_USED_UP:
            return Outcome(state=replace(state, attempts=attempts))
    elif attempts >= TRIES:
        phase, reason, attempts = Phase.DISABLED, RETRIES_USED_UP, 1
    else:
        phase, reason = Phase.BACKING_OFF, failed.code
    after = State(phase=phase, since=at, reason=reason, attempts=attempts)
    return _along(state, [after], failed.code, detail=failed.detail)


def _along(before: State, states: list[State], cause: str, *, detail: str | None = None) -> Outcome:
    """
    Go through states. One that differs in its attempts alone is no transition.

    With ``detail`` what is wrong was observed just now; without it, an alert that is open is only kept.
    """
    state, steps = before, []
    for after in states:
        if (after.phase, after.reason) == (state.phase, state.reason):
            state = replace(after, since=state.since)
            continue
        steps.append(Step(state, after, cause))
        state = after
    return Outcome(
        state=state,
        steps=tuple(steps),
        cleared=before.reason if before.reason != state.reason else "",
        raised=state.reason if detail is not None else "",
        detail=detail or "",
    )
