"""When a mailbox is checked next."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.schedule import next_delay


@pytest.mark.parametrize(
    ("poll", "errors", "disabled", "expected"),
    [
        pytest.param(10, 0, False, 10, id="success waits for the interval"),
        pytest.param(10, 0, True, 10, id="success of a probe too"),
        pytest.param(1, 1, False, 5, id="the first failure waits at least 5 s"),
        pytest.param(10, 1, False, 10, id="or the interval"),
        pytest.param(10, 2, False, 20, id="the second doubles"),
        pytest.param(10, 7, False, 600, id="never over 10 minutes"),
        pytest.param(10, 10**9, False, 600, id="years of failures do not overflow"),
        pytest.param(10, 1, True, 120, id="a disabled mailbox is probed slowly"),
        pytest.param(10, 4, True, 960, id="and slower"),
        pytest.param(10, 10**9, True, 3600, id="never over an hour"),
        pytest.param(86400, 9, False, 86400, id="an interval over the limit stays"),
    ],
)
def test_delay_without_chance(poll, errors, disabled, expected):
    assert timedelta(seconds=expected) == next_delay(poll, errors=errors, disabled=disabled, chance=0)


@given(
    st.floats(1, 86400), st.integers(0, 10**6), st.booleans(), st.floats(0, 1, exclude_max=True)
)  # fmt: skip
def test_delay_is_bounded(poll, errors, disabled, chance):
    """No failure makes a mailbox spin or be forgotten."""
    delay = next_delay(poll, errors=errors, disabled=disabled, chance=chance).total_seconds()

    assert min(poll, 5) * 0.8 <= delay + 0.001
    assert delay <= max(poll, 3600 if disabled else 600) + 0.001


def test_chance_spreads():
    """Mailboxes of one dead server do not come back in step."""
    delays = {next_delay(10, errors=5, disabled=False, chance=c / 10) for c in range(10)}

    assert len(delays) == 10
    assert timedelta(seconds=128) <= min(delays)
