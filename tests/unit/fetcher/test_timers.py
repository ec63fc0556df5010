"""One time for each thing, and which have come."""

from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.timers import STALE, Timers


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.one_of(st.none(), st.integers(0, 9)))), st.integers(0, 9))
def test_what_is_due_is_what_a_table_of_times_says(changes, now):
    timers: Timers[str] = Timers()
    table: dict[str, int] = {}
    for what, when in changes:
        if when is None:
            timers.forget(what)
            table.pop(what, None)
        else:
            timers.set(what, when)
            table[what] = when

    first = timers.next()
    assert not table or (first is not None and first <= min(table.values()))
    found = timers.due(now)
    assert {what for what, when in table.items() if when <= now} == set(found)
    assert [table[what] for what in found] == sorted(table[what] for what in found)
    assert [] == timers.due(now)


def test_times_that_are_set_again_and_again_take_no_memory():
    timers: Timers[str] = Timers()
    for when in range(100_000):
        timers.set("a", when)

    assert STALE + 10 > len(timers._heap)
    assert ["a"] == timers.due(100_000)
