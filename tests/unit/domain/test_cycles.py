"""Messages that point at each other in a circle."""

from hypothesis import given
from hypothesis import strategies as st

from services.domain.cycles import on_cycles


def test_two_that_answer_each_other_are_a_circle():
    assert [frozenset({"a", "b"})] == on_cycles({"a": ["b"], "b": ["a"], "c": ["a"]})


def test_a_tree_and_a_self_reference_are_none():
    assert [] == on_cycles({"a": [], "b": ["a"], "c": ["a", "b"], "d": ["d"]})


def test_a_chain_of_fifty_thousand_is_walked_without_recursion():
    edges = {n: [n + 1] for n in range(50_000)}

    assert [] == on_cycles(edges)
    assert [frozenset(range(50_001))] == on_cycles({**edges, 50_000: [0]})


@given(st.dictionaries(st.integers(0, 8), st.sets(st.integers(0, 8)), max_size=9))
def test_the_groups_are_those_that_reach_each_other(edges):
    """Against the definition: two nodes are in one group when each reaches the other."""

    def reach(start):
        seen, todo = set(), [start]
        while todo:
            for follower in edges.get(todo.pop(), ()):
                if follower not in seen:
                    seen.add(follower)
                    todo.append(follower)
        return seen

    nodes = set(edges) | {t for ts in edges.values() for t in ts}
    reached = {n: reach(n) for n in nodes}
    expected = {frozenset({n} | {m for m in nodes if m in reached[n] and n in reached[m]}) for n in nodes}

    assert {group for group in expected if len(group) > 1} == set(on_cycles(edges))
