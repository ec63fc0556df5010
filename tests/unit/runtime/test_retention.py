"""Old rows are forgotten at the start, now and then, and at once when it is changed how long they are kept."""

import threading

from services.domain.errors import Retry
from services.runtime import retention


def run(forget, days, until):
    """Retain until a condition holds; return what was forgotten under which days."""
    stop, steps = threading.Event(), []

    def step():
        steps.append(days())
        if until(steps):
            stop.set()
        return forget(len(steps))

    retention.retain(step, "old rows", stop, days=days)
    return steps


def test_a_step_that_finds_all_it_may_is_followed_by_another_at_once():
    assert [7, 7, 7] == run(lambda n: retention.AT_ONCE if n < 3 else 5, lambda: 7, lambda steps: len(steps) == 3)


def test_other_days_act_at_once(monkeypatch):
    monkeypatch.setattr(retention, "LOOK_SECONDS", 0.001)
    asked = iter([90] * 5)

    assert [90, 30] == run(lambda _: 0, lambda: next(asked, 30), lambda steps: steps[-1] == 30)


def test_the_same_days_wait_for_their_time(monkeypatch):
    monkeypatch.setattr(retention, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(retention, "SECONDS", 0.05)

    assert [7, 7] == run(lambda _: 0, lambda: 7, lambda steps: len(steps) == 2)


def test_a_database_that_is_away_is_asked_again(monkeypatch, caplog):
    monkeypatch.setattr(retention, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(retention, "SECONDS", 0.0)

    def away(n):
        if n == 1:
            raise Retry("PostgreSQL is away")
        return 0

    assert [7, 7] == run(away, lambda: 7, lambda steps: len(steps) == 2)
    assert ["old rows cannot be forgotten now: PostgreSQL is away"] == [r.getMessage() for r in caplog.records]
