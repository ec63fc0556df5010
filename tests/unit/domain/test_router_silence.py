"""A router that has mailboxes is missed when it is silent, and at no other time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.domain.router_silence import ANY, PATIENCE, Presence, look

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LONG = PATIENCE + timedelta(seconds=1)


def known(**changes):
    return {"a": Presence(**{"router": "a", "heard": NOW, "needed": NOW - LONG, **changes})}


def test_one_that_is_heard_is_not_missed():
    assert [] == look(known(), ["a"], NOW + PATIENCE)


def test_one_that_is_silent_for_longer_is_missed_once_and_no_more_when_it_is_heard():
    (missed,) = look(known(), ["a"], NOW + LONG)
    assert missed.silent
    assert [] == look({"a": missed}, ["a"], NOW + 2 * LONG)

    (back,) = look(known(silent=True), ["a"], NOW)
    assert not back.silent


def test_one_that_nobody_needs_is_not_missed():
    (gone,) = look(known(silent=True), [], NOW + LONG)

    assert (False, None) == (gone.silent, gone.needed)
    assert [] == look({"a": Presence(router="a", heard=NOW)}, [], NOW + LONG)


def test_one_that_never_came_is_missed_when_it_was_needed_for_long_enough():
    (new,) = look({}, ["a"], NOW)
    assert Presence(router="a", needed=NOW) == new
    assert [] == look({"a": new}, ["a"], NOW + PATIENCE)

    (missed,) = look({"a": new}, ["a"], NOW + LONG)
    assert missed.silent


def test_time_before_it_was_needed_does_not_count():
    (needed,) = look({"a": Presence(router="a", heard=NOW - 100 * LONG)}, ["a"], NOW)

    assert not needed.silent


def test_mailboxes_that_name_no_router_are_content_with_any():
    waiting = {ANY: Presence(router=ANY, needed=NOW - LONG)}

    assert [] == look({**waiting, "b": Presence(router="b", heard=NOW)}, [ANY], NOW)
    assert [ANY] == [p.router for p in look({**waiting, "b": Presence(router="b", heard=NOW - LONG)}, [ANY], NOW)]


times = st.none() | st.integers(-10_000, 0).map(lambda seconds: NOW + timedelta(seconds=seconds))
names = st.sampled_from([ANY, "a", "b"])


@given(
    st.lists(st.builds(Presence, router=names, heard=times, needed=times, silent=st.booleans())),
    st.sets(names),
)
def test_looking_twice_says_nothing_new(presences, needed):
    before = {p.router: p for p in presences}
    after = {**before, **{p.router: p for p in look(before, needed, NOW)}}

    assert [] == look(after, needed, NOW)
    assert all(p.silent is False for p in after.values() if p.router not in needed)
