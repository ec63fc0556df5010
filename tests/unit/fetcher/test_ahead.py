"""What is done while the result before it is used: order, failures, and that nothing is left running."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from services.fetcher.ahead import ahead

SECONDS = 10


def test_the_next_one_is_done_while_the_one_before_is_used():
    begun = threading.Event()
    with ahead([lambda: "first", begun.set, lambda: "last"]) as results:
        assert "first" == next(results)
        assert begun.wait(SECONDS)
        assert [None, "last"] == list(results)


def test_one_at_a_time_is_done_in_order():
    running, most, order = [], [], []

    def job(number):
        running.append(number)
        most.append(len(running))
        order.append(number)
        running.remove(number)
        return number

    with ahead([partial(job, number) for number in range(50)]) as results:
        assert list(range(50)) == list(results)
    assert (list(range(50)), {1}) == (order, set(most))


def test_a_failure_comes_in_its_place_and_nothing_is_begun_after_it():
    begun = []

    def fails():
        raise ConnectionError("gone")

    with ahead([lambda: 1, fails, lambda: begun.append(3)]) as results:
        assert 1 == next(results)
        with pytest.raises(ConnectionError):
            next(results)
    assert [] == begun


def test_who_leaves_waits_for_what_runs_and_begins_no_more():
    go_on, done = threading.Event(), []

    def slow():
        assert go_on.wait(SECONDS)
        done.append(2)

    threading.Timer(0.05, go_on.set).start()
    with ahead([lambda: 1, slow, lambda: done.append(3)]) as results:
        next(results)
    assert [2] == done


def test_a_single_one_is_done_by_who_asks_for_it():
    with ahead([threading.current_thread]) as results:
        assert [threading.current_thread()] == list(results)
    none: list[Callable[[], int]] = []
    with ahead(none) as nothing:
        assert [] == list(nothing)
