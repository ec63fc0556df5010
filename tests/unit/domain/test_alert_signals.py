"""What a check of a mailbox has to signal, by how it and the one before ended."""

from datetime import UTC, datetime

import pytest

from services.domain.alert_signals import of_check

AT = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (None, None, []),
        (None, "timed_out", [("timed_out", "raised")]),
        ("timed_out", "timed_out", [("timed_out", "raised")]),
        ("timed_out", None, [("timed_out", "cleared")]),
        ("timed_out", "login_refused", [("timed_out", "cleared"), ("login_refused", "raised")]),
    ],
)
def test_what_is_wrong_is_raised_and_what_is_over_is_cleared(before, now, said):
    signals = of_check("a@x", fence=3, before=before, now=now, detail="words", at=AT)

    assert [(s.key.code, s.state.value) for s in signals] == said
    assert {(s.key.object, s.key.direction, s.fence) for s in signals} <= {("mailbox/a@x", "incoming", 3)}
