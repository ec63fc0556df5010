"""When most mailboxes of a server profile fail, and when that is over."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.mailbox_state import Phase, State
from services.domain.profile_failure import failing

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NOBODY: frozenset[str] = frozenset()


def fails(minutes=1, phase=Phase.BACKING_OFF):
    return State(phase=phase, since=NOW - timedelta(minutes=minutes), reason="timed_out")


WELL = State(phase=Phase.ENABLED, since=NOW)


@pytest.mark.parametrize(
    ("states", "before", "expected"),
    [
        pytest.param([fails(), fails(), WELL], (), True, id="more than half"),
        pytest.param([fails(), fails(), WELL, WELL], (), False, id="half"),
        pytest.param([fails()], (), False, id="one alone has an alert of its own"),
        pytest.param([fails(), fails(phase=Phase.DISABLED)], (), True, id="disabled ones count"),
        pytest.param([fails(59), fails(61), WELL], (), False, id="not within one hour"),
        pytest.param([fails(300), fails(300), WELL], ("p",), True, id="it lasts"),
        pytest.param([fails(), WELL, WELL], ("p",), False, id="it is over"),
    ],
)
def test_a_profile_fails_when_most_of_its_mailboxes_do(states, before, expected):
    named = {f"m{n}": state for n, state in enumerate(states)}

    assert expected == bool(failing(dict.fromkeys(named, "p"), named, frozenset(before), NOW))


def test_mailboxes_that_nobody_has_seen_yet_do_not_fail():
    assert NOBODY == failing({"a": "p", "b": "p"}, {}, NOBODY, NOW)


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("pq")), st.sets(st.sampled_from("pqr")))
def test_a_profile_without_failing_mailboxes_never_fails(profiles, before):
    assert NOBODY == failing(profiles, dict.fromkeys(profiles, WELL), frozenset(before), NOW)
