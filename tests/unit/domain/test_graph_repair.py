"""What people do to the thread graph, against a plain recomputation of its components."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.evidence import Evidence, Kind
from services.domain.message import MessageId
from services.domain.repair import Link, Withheld, followers, parted, pieces, splitting, withhold
from services.domain.sightings import Addition, Stored

COMMAND = UUID(int=99)
numbers = st.integers(0, 7).map(lambda n: UUID(int=n))
graphs = st.lists(st.tuples(numbers, numbers), max_size=20).map(
    lambda pairs: sorted({Link(own, own, target) for own, target in pairs if own != target})
)


def link(own: int, target: int) -> Link:
    return Link(UUID(int=own), UUID(int=own), UUID(int=target))


def ids(*numbers: int) -> frozenset[UUID]:
    return frozenset(UUID(int=n) for n in numbers)


def together(links: list[Link]) -> set[UUID]:
    return {one for link in links for one in (link.own, link.target)}


@given(graphs)
def test_the_pieces_are_the_components_of_a_plain_union(links):
    label = {one: one for one in together(links)}
    for _ in label:
        for one in links:
            low = min(label[one.own], label[one.target])
            label[one.own] = label[one.target] = low
    expected = {frozenset(i for i in label if label[i] == low) for low in label.values()}

    assert expected == set(pieces(sorted(label), links))


@given(graphs, numbers)
def test_after_a_split_a_message_and_what_follows_hang_together_without_what_it_pointed_at(links, own):
    """Every message that answers it, directly or not, stays with it; nothing but those links is lost."""
    everything = together(links)
    if own not in everything:
        return
    removed = splitting(everything, links, own)
    kept = [one for one in links if one not in removed]
    piece = next(p for p in pieces(sorted(everything), kept) if own in p)
    after = followers(links, own)

    assert after <= piece
    assert not piece & ({one.target for one in links if one.own == own} - after)
    assert all(one.own in after and one.target not in piece for one in removed)
    assert bool(removed) == bool({one.target for one in links if one.own == own} - after)


@pytest.mark.parametrize(
    ("links", "removed"),
    [
        ([link(2, 1), link(3, 1), link(3, 2)], {link(2, 1), link(3, 1)}),
        ([link(2, 1)], {link(2, 1)}),
        ([link(1, 2)], set()),
        # What only a follower points at goes with it: an unseen parent (9), or another conversation (5).
        ([link(2, 1), link(3, 2), link(3, 9), link(3, 5), link(6, 5)], {link(2, 1)}),
        # An unseen parent of the message itself stays behind, or it would join the two when it comes.
        ([link(2, 9), link(2, 1), link(3, 9), link(3, 2)], {link(2, 9), link(2, 1), link(3, 9)}),
        # A circle has no upper side.
        ([link(1, 2), link(2, 1)], set()),
    ],
)
def test_a_split_at_2_removes(links, removed):
    assert removed == splitting(together(links), links, UUID(int=2))


@given(graphs, numbers, numbers, st.frozensets(numbers))
def test_what_is_parted_are_all_pieces_but_one_and_not_the_one_that_was_left(links, own, target, seen):
    everything = together(links) | {own}
    kept = [one for one in links if (one.own, one.target) != (own, target)]
    found = pieces(sorted(everything), kept)
    moved = parted(everything, kept, own, seen)

    assert len(found) - 1 == len(moved)
    assert set(moved) < set(found)
    assert len(found) == 1 or any(own in piece for piece in moved)


def addition(own: int, *targets: int) -> Addition:
    edges = tuple(Evidence(Kind.REFERENCES, n, UUID(int=t), f"{t}@x") for n, t in enumerate(targets))
    joins = tuple(UUID(int=t) for t in targets)
    return Addition(UUID(int=1000 + own), UUID(int=own), MessageId(f"{own}@x"), edges, joins, truncated=False)


CUTS = {(UUID(int=2), UUID(int=1)): COMMAND}


@pytest.mark.parametrize(
    ("nearest_first", "kept"),
    [((2, 1), (2,)), ((1, 2), (1,)), ((3, 2, 1), (3, 2)), ((1,), (1,)), ((4, 5), (4, 5))],
)
def test_of_two_ids_that_were_parted_a_later_mail_joins_the_nearer_one(nearest_first, kept):
    (left,), withheld = withhold([addition(7, *nearest_first)], {}, CUTS)

    assert kept == tuple(t.int for t in left.joins) == tuple(e.target.int for e in left.edges)
    assert set(nearest_first) - set(kept) == {one.target.int for one in withheld}


def test_the_message_itself_counts_as_nearest():
    (left,), withheld = withhold([addition(2, 1)], {}, CUTS)

    assert () == left.joins == left.edges
    assert [Withheld(UUID(int=1002), UUID(int=1), Kind.REFERENCES, 0, COMMAND)] == withheld


def test_another_copy_does_not_join_what_the_message_is_parted_from_by_what_it_is_tied_to():
    tie = Evidence(Kind.REFERENCES, 5, UUID(int=2), "2@x")
    stored = Stored(0, 1, truncated=False, edges={(tie.kind, tie.target): tie})
    asks = addition(7, 1)

    assert () == withhold([asks], {asks.message: stored}, CUTS)[0][0].joins
    gone = replace(stored, removed=frozenset({tie.target}))
    assert (UUID(int=1),) == withhold([asks], {asks.message: gone}, CUTS)[0][0].joins


def test_where_nobody_parted_anything_nothing_is_withheld():
    assert ([addition(7, 2, 1)], []) == withhold([addition(7, 2, 1)], {}, {})


def test_another_name_of_the_message_goes_with_it():
    """A relay gave 2 the name 8, which 3 answers: neither is cut from the other."""
    links = [link(2, 1), replace(link(2, 8), itself=True), link(3, 8), link(3, 1)]

    assert {link(2, 1), link(3, 1)} == splitting(together(links), links, UUID(int=2))
