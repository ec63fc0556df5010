"""The grouping of mails into threads depends on the mails alone."""

import itertools
import math
import random
import sys
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import graph as module
from services.domain.graph import THREADS_PER_VERSION, Node, plan
from services.domain.memory_graph import MemoryGraph
from services.domain.message import MessageId
from services.domain.sightings import Addition, Placed
from tests.forests import forests, grouping, oracle, sighting, trees


def placed(mails, batches):
    graph = MemoryGraph()
    for batch in batches:
        graph.place([sighting(mails[n]) for n in batch])
    return graph


def groups(graph, mails):
    return grouping({i: graph.thread_of(sighting((i, ())).own) for mail in mails for i in (mail[0], *mail[1])})


def cut(order, seed):
    """Cut an order into batches at random, the same way for the same seed."""
    chooser = random.Random(seed)
    batches = [[order[0]]]
    for n in order[1:]:
        if chooser.random() < 0.5:
            batches.append([])
        batches[-1].append(n)
    return batches


@pytest.mark.parametrize("size", range(1, 7))
def test_every_rooted_tree_in_every_order_is_one_thread(size):
    """Every shape in every order of arrival, one by one and in batches: that is every labelled tree."""
    shown = 0
    for mails in trees(size):
        seen = [sighting(mail) for mail in mails]
        assert 1 == len(oracle(mails))
        for seed, order in enumerate(itertools.permutations(range(size))):
            for batches in ([[n] for n in order], cut(order, seed)):
                graph = MemoryGraph()
                for batch in batches:
                    graph.place([seen[n] for n in batch])
                assert 1 == len({graph.thread_of(one.own) for one in seen})
            shown += 1
    assert [1, 1, 2, 4, 9, 20][size - 1] * math.factorial(size) == shown


@given(forests(), st.randoms(use_true_random=False))
def test_any_order_gives_the_grouping_of_a_union_find(mails, chooser):
    """Ghosts, loops, self-references, repeats, copies with other references: the oracle's grouping each time."""
    order = list(range(len(mails)))
    chooser.shuffle(order)

    assert oracle(mails) == groups(placed(mails, cut(order, chooser.random())), mails)


@given(forests(), st.randoms(use_true_random=False))
def test_evidence_does_not_depend_on_the_order_of_copies(mails, chooser):
    order = list(range(len(mails)))
    chooser.shuffle(order)
    one = placed(mails, [[n] for n in range(len(mails))])
    other = placed(mails, cut(order, chooser.random()))
    again = [sighting(mail) for mail in mails]

    assert {k: (p.evidence, p.truncated) for k, p in one.place(again).items()} == {
        k: (p.evidence, p.truncated) for k, p in other.place(again).items()
    }


@given(forests(), st.randoms(use_true_random=False))
def test_redelivery_changes_nothing_and_answers_alike(mails, chooser):
    graph = placed(mails, [[n] for n in range(len(mails))])
    first = graph.place([sighting(mail) for mail in mails])
    before = (dict(graph._nodes), dict(graph._messages), list(graph.merges), graph._version)
    order = list(range(len(mails)))
    chooser.shuffle(order)

    answers: dict[UUID, Placed] = {}
    for batch in cut(order, chooser.random()):
        answers |= graph.place([sighting(mails[n]) for n in batch])

    assert first == answers
    assert before == (graph._nodes, graph._messages, graph.merges, graph._version)


@given(forests(), st.randoms(use_true_random=False))
def test_each_loser_loses_once_to_an_older_thread(mails, chooser):
    order = list(range(len(mails)))
    chooser.shuffle(order)
    graph = placed(mails, cut(order, chooser.random()))

    losers = [merge.loser for merge in graph.merges]
    assert len(losers) == len(set(losers))
    assert all(merge.winner < merge.loser for merge in graph.merges)
    known = {sighting(mail).message for mail in mails}
    assert all(merge.cause in known for merge in graph.merges)


def key(number):
    return UUID(int=number)


def addition(own, *targets):
    return Addition(key(own + 10**6), key(own), MessageId(""), (), tuple(key(t) for t in targets), truncated=False)


def test_the_oldest_thread_wins_and_each_loss_names_its_cause():
    known = {key(n): Node(key(n), thread, seen=True) for n, thread in ((1, 300), (2, 100), (3, 200))}

    planned = plan([addition(4, 1, 3), addition(5, 4, 2)], known, version=9)

    assert [(200, 100, key(5 + 10**6)), (300, 100, key(4 + 10**6))] == [
        (m.loser, m.winner, m.cause) for m in planned.merges
    ]
    assert {100} == set(planned.threads.values()) == {n.thread for n in planned.nodes}


def test_new_threads_are_numbered_by_version_and_own_ids_are_nodes():
    planned = plan([addition(1), addition(2, 3)], {}, version=5)

    assert {key(1): (5120, True), key(2): (5121, True), key(3): (5121, False)} == {
        n.id: (n.thread, n.seen) for n in planned.nodes
    }


def test_a_late_parent_arrives_without_changing_the_grouping():
    planned = plan([addition(1)], {key(1): Node(key(1), 77, seen=False)}, version=5)

    assert ((), (key(1),), ()) == (planned.nodes, planned.arrived, planned.merges)
    assert [77] == list(planned.threads.values())


def test_too_many_new_threads_are_refused():
    with pytest.raises(ValueError, match="1024"):
        plan([addition(n) for n in range(THREADS_PER_VERSION + 1)], {}, version=1)


def steps(batch, known=None):
    """Count the lines of the graph module that a plan executes."""
    source, count = str(Path(module.__file__)), 0

    def trace(frame, event, argument):
        nonlocal count
        if frame.f_code.co_filename != source:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        plan(batch, known or {}, version=1)
    finally:
        sys.settrace(before)
    return count


HOSTILE = {
    "one mail": lambda n: [addition(0, *range(1, n))],
    "chain": lambda n: [addition(0, *range(1, n // 2)), *(addition(k, k + 1) for k in range(n // 2, n))],
    "loop": lambda n: [addition(k, (k + 1) % n) for k in range(n)],
    "self and repeats": lambda n: [addition(0, *(k % 7 for k in range(n)))],
    "all over": lambda n: [addition(0, *range(1, n)), addition(0, *range(n, 0, -1))],
}


@pytest.mark.parametrize("batch", HOSTILE.values(), ids=HOSTILE)
def test_the_work_is_linear_in_the_number_of_ids(batch):
    """From 500 to 20,000 ids the number of executed lines per id does not grow."""
    few, many = steps(batch(500)), steps(batch(20_000))

    assert many <= 40 * few * 1.25


def test_merging_many_stored_threads_is_linear():
    def work(n):
        known = {key(k): Node(key(k), 10**6 - k, seen=True) for k in range(n)}
        return steps([addition(n, *range(n))], known)

    assert work(20_000) <= 40 * work(500) * 1.25
