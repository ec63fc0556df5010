"""The life of a mailbox: which transitions there are, when it is looked at again, and which alert is open meanwhile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import mailbox_state
from services.domain.approval import Permit
from services.domain.mailbox_state import (
    RETRIES_USED_UP,
    TRIES,
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

NOW = datetime(2026, 11, 28, tzinfo=UTC)
CREATED = State(phase=Phase.CREATED, since=NOW)
ENABLED = State(phase=Phase.ENABLED, since=NOW)
REFUSED = Failed(code="login_refused", detail="wrong password", permanent=True)
AWAY = Failed(code="timed_out", detail="no answer", permanent=False)
BROKE = replace(AWAY, progressed=True)
ALLOWED, PENDING, UNWANTED = map(Permitted, (Permit.ALLOWED, Permit.PENDING, Permit.DEACTIVATED))

P = Phase
MAY_FOLLOW = {
    P.CREATED: {P.APPROVED},
    P.PENDING_APPROVAL: {P.APPROVED},
    P.APPROVED: {P.TEST_SCHEDULED},
    P.TEST_SCHEDULED: {P.TESTING},
    P.TESTING: {P.TEST_SCHEDULED, P.ENABLED, P.BACKING_OFF, P.DISABLED},
    P.ENABLED: {P.TEST_SCHEDULED, P.BACKING_OFF, P.DISABLED},
    P.BACKING_OFF: {P.TEST_SCHEDULED, P.ENABLED, P.BACKING_OFF, P.DISABLED},
    P.DISABLED: {P.TEST_SCHEDULED, P.ENABLED, P.BACKING_OFF, P.DISABLED},
    P.DEACTIVATED: {P.APPROVED},
}
ALWAYS = {P.PENDING_APPROVAL, P.DEACTIVATED}

failures = st.builds(
    Failed,
    code=st.sampled_from(["login_refused", "host_unknown", "timed_out", "connection_lost"]),
    detail=st.just("words"),
    permanent=st.booleans(),
    progressed=st.booleans(),
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Permitted, st.sampled_from(Permit)),
    st.just(TestRequested()), st.just(Began()), st.just(Succeeded()), failures,
)  # fmt: skip
lives = st.lists(events, max_size=60)


def lived(events, state=CREATED):
    for n, event in enumerate(events):
        state = decide(state, event, NOW + timedelta(seconds=n)).state
    return state


@given(lives)
def test_only_these_transitions_exist(life):
    state = CREATED
    for event in life:
        outcome = decide(state, event, NOW)
        for step in outcome.steps:
            assert step.after.phase in MAY_FOLLOW[step.before.phase] | ALWAYS
            assert (step.before.phase, step.before.reason) != (step.after.phase, step.after.reason)
        if outcome.steps:
            ends = [state, *(step.after for step in outcome.steps)]
            assert ends[:-1] == [step.before for step in outcome.steps]
        else:
            assert (state.phase, state.reason, state.since) == (
                outcome.state.phase, outcome.state.reason, outcome.state.since
            )  # fmt: skip
        state = outcome.state


@given(lives, st.floats(1, 86400), st.floats(0, 1, exclude_max=True))
def test_a_mailbox_that_may_be_read_is_always_looked_at_again_and_one_success_enables_it(life, poll, chance):
    state = lived([*life, ALLOWED])

    due = due_in(state, poll, chance=chance)

    assert due is not None
    assert due <= timedelta(seconds=max(poll, 3600))
    assert Phase.ENABLED == lived([Began(), Succeeded()], state).phase


@given(lives, st.sampled_from([PENDING, UNWANTED]), lives)
def test_one_that_may_not_be_read_is_never_due_until_the_settings_say_otherwise(before, permit, after):
    meanwhile = [event for event in after if not isinstance(event, Permitted)]

    state = lived([*before, permit, *meanwhile])

    assert due_in(state, 10, chance=0) is None


@given(lives)
def test_the_open_alert_is_the_reason_of_the_state_and_never_more_than_one(life):
    """What begins is raised once, what ends is cleared, and a state in which nothing is wrong has none open."""
    state: State = CREATED
    opened: set[str] = set()
    for event in life:
        outcome = decide(state, event, NOW)
        if outcome.cleared:
            assert outcome.cleared != outcome.raised
            opened.remove(outcome.cleared)
        if outcome.raised:
            opened.add(outcome.raised)
        state = outcome.state
        if P.DISABLED in [step.after.phase for step in outcome.steps]:
            assert state.reason == outcome.raised
        assert ({state.reason} if state.reason else set()) == opened
        if state.phase in (P.BACKING_OFF, P.DISABLED, P.PENDING_APPROVAL):
            assert 1 == len(opened)
        if state.phase in (P.ENABLED, P.APPROVED, P.DEACTIVATED):
            assert not opened


@given(lives)
def test_time_does_not_go_back(life):
    state = CREATED
    for n, event in enumerate(life):
        after = decide(state, event, NOW - timedelta(seconds=n)).state
        assert state.since <= after.since
        state = after


def phases(events, state=CREATED):
    return [step.after.phase for n in range(len(events)) for step in
            decide(lived(events[:n], state), events[n], NOW + timedelta(seconds=n)).steps]  # fmt: skip


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([ALLOWED, Began(), Succeeded()], [P.APPROVED, P.TEST_SCHEDULED, P.TESTING, P.ENABLED], id="new"),
        pytest.param([PENDING, Began(), Succeeded()], [P.PENDING_APPROVAL], id="not approved"),
        pytest.param([PENDING, ALLOWED], [P.PENDING_APPROVAL, P.APPROVED, P.TEST_SCHEDULED], id="approved later"),
        pytest.param([UNWANTED, ALLOWED], [P.DEACTIVATED, P.APPROVED, P.TEST_SCHEDULED], id="wanted again"),
    ],
)
def test_how_a_mailbox_begins(events, expected):
    assert expected == phases(events)


def test_a_permanent_error_disables_at_once_and_says_why():
    outcome = decide(ENABLED, REFUSED, NOW)

    assert (P.DISABLED, "login_refused", "login_refused", "") == (
        outcome.state.phase, outcome.state.reason, outcome.raised, outcome.cleared
    )  # fmt: skip
    assert timedelta(minutes=2) == due_in(outcome.state, 10, chance=0)


def test_transient_errors_back_off_ten_times_and_then_disable():
    assert [P.BACKING_OFF] == phases([AWAY] * (TRIES - 1), ENABLED)
    assert [P.BACKING_OFF, P.DISABLED] == phases([AWAY] * TRIES, ENABLED)
    disabled = lived([AWAY] * TRIES, ENABLED)
    assert (RETRIES_USED_UP, timedelta(minutes=2)) == (disabled.reason, due_in(disabled, 10, chance=0))
    assert ("", RETRIES_USED_UP) == (decide(disabled, AWAY, NOW).cleared, decide(disabled, AWAY, NOW).raised)


def test_a_connection_that_breaks_after_some_mail_is_no_dead_server():
    assert P.BACKING_OFF == lived([BROKE] * 50, ENABLED).phase
    assert P.BACKING_OFF == lived([*[AWAY] * TRIES, BROKE], ENABLED).phase


def test_a_server_that_is_away_when_a_refused_mailbox_is_probed_neither_mends_nor_confirms_it():
    refused = decide(ENABLED, REFUSED, NOW).state
    outcome = decide(refused, AWAY, NOW)

    assert ("login_refused", 2, "", "", ()) == (
        outcome.state.reason, outcome.state.attempts, outcome.raised, outcome.cleared, outcome.steps
    )  # fmt: skip


def test_a_test_keeps_the_alert_until_its_result_is_known():
    scheduled = lived([REFUSED, TestRequested()], ENABLED)

    assert ("login_refused", timedelta()) == (scheduled.reason, due_in(scheduled, 10, chance=0))
    assert "login_refused" == decide(lived([Began()], scheduled), Succeeded(), NOW).cleared


@pytest.mark.parametrize("end", [REFUSED, AWAY, Succeeded()])
def test_a_check_that_began_before_the_test_was_asked_for_is_not_its_result(end):
    assert P.TEST_SCHEDULED == lived([TestRequested(), end], ENABLED).phase


def test_the_phases_that_are_named_are_all_there_are():
    assert set(MAY_FOLLOW) == set(Phase)
    assert mailbox_state.UNREAD == ALWAYS
