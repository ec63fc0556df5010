"""How many mailboxes idle, when they are looked at all the same, and how long they rest."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.domain import idling

counts = st.integers(0, 10_000)


@given(st.floats(0, 1, exclude_max=True))
def test_an_idle_ends_well_before_29_minutes_and_not_all_at_once(chance):
    assert 20 * 60 <= idling.renewal(chance) <= 25 * 60


def test_the_inbox_alone_is_looked_at_rarely_and_other_folders_at_their_interval():
    assert 240 == idling.next_look(10, 1)
    assert 3600 == idling.next_look(3600, 1)
    assert 10 == idling.next_look(10, 2)


def test_what_is_woken_in_vain_waits_longer_each_time_up_to_a_minute():
    waits = [idling.quiet(n) for n in range(12)]

    assert [0.25, 0.5, 1.0] == waits[:3]
    assert waits == sorted(waits)
    assert 60 == idling.quiet(10**9) == waits[-1]


def test_rests_grow_from_a_minute_to_an_hour():
    assert [60, 120, 240] == [idling.rest(n) for n in (1, 2, 3)]
    assert 3600 == idling.rest(10**9)


@given(counts, st.integers(1, 300))
def test_polling_finds_a_connection_however_many_mailboxes_a_profile_has(mailboxes, connections):
    most = idling.most_of_profile(mailboxes, connections)

    assert 0 <= most <= connections
    assert mailboxes <= connections or most < connections


@given(counts, st.integers(0, 50))
def test_the_shares_of_all_replicas_hold_every_mailbox(mailboxes, replicas):
    assert idling.fair_share(mailboxes, replicas) * max(replicas, 1) >= mailboxes


@given(st.integers(0, 50), st.one_of(st.none(), counts), st.integers(0, 50))
def test_a_host_is_idled_on_less_when_it_let_nobody_in(replicas, refused_at, room):
    most = idling.most_of_host(replicas, refused_at, room)

    assert 0 <= most <= idling.HOST_CONNECTIONS
    assert refused_at is None or most <= max(0, refused_at - room)


@given(st.lists(st.sampled_from("abc"), max_size=30), st.dictionaries(st.sampled_from("abc"), st.integers(0, 10)))
def test_what_ends_brings_every_group_to_its_most_and_no_further(groups, most):
    places = {str(n): group for n, group in enumerate(groups)}
    ending = idling.above(places, most)
    left = Counter(group for mailbox, group in places.items() if mailbox not in ending)

    for group in set(groups):
        assert left[group] == min(groups.count(group), most.get(group, 0))
    for group in set(groups):
        gone = [mailbox for mailbox in places if places[mailbox] == group and mailbox in ending]
        assert gone == [mailbox for mailbox in places if places[mailbox] == group][: len(gone)]
