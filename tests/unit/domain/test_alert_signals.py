"""What is to be signalled of a mailbox, by what has ended and what has begun."""

from datetime import UTC, datetime

import pytest

from services.domain.alert_signals import of_mailbox
from services.domain.identity import Direction
from services.domain.mailbox_state import Outcome, Phase, State

AT = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cleared", "raised", "said"),
    [
        ("", "", []),
        ("", "timed_out", [("timed_out", "raised")]),
        ("timed_out", "", [("timed_out", "cleared")]),
        ("timed_out", "login_refused", [("timed_out", "cleared"), ("login_refused", "raised")]),
    ],
)
def test_what_is_wrong_is_raised_and_what_is_over_is_cleared(cleared, raised, said):
    outcome = Outcome(state=State(phase=Phase.ENABLED, since=AT), cleared=cleared, raised=raised, detail="words")

    signals = of_mailbox("a@x", Direction.INCOMING, outcome, fence=3, at=AT)

    assert [(s.key.code, s.state.value) for s in signals] == said
    assert {(s.key.object, s.key.direction, s.fence) for s in signals} <= {("mailbox/a@x", "incoming", 3)}
