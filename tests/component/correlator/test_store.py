"""The stored graph on real PostgreSQL: any order, any number of writers and any crash end alike."""

from collections import Counter

import psycopg
import pytest

from services.correlator.store import LONGEST_CHAIN
from services.domain.evidence import Kind
from services.domain.memory_graph import MemoryGraph
from tests.component.correlator.writers import (
    batches,
    check_books,
    dump,
    groups,
    store,
    stored_evidence,
    write,
    write_at_once,
)
from tests.forests import key, oracle, random_mails, sighting

pytestmark = pytest.mark.component


def mail(own, *cited):
    return (own, cited)


def one(url, *mails):
    """Place mails as one batch and return the results by id."""
    placed = store(url).place([sighting(m) for m in mails])
    return {m[0]: placed[sighting(m).message] for m in mails}


def remove(url, child, target):
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE correlator.edge SET removed_by = gen_random_uuid() WHERE child = %s AND target = %s",
            (sighting((child, ())).message, key(target)),
        )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_stored_graph_answers_as_the_one_in_memory(url, seed):
    """Both implementations of the port give the same threads, versions and evidence, batch by batch."""
    memory, stored = MemoryGraph(), store(url)
    for batch in batches(random_mails(seed, 400), seed):
        sightings = [sighting(m) for m in batch]

        assert memory.place(sightings) == stored.place(sightings)
    assert [(m.loser, m.winner, m.cause) for m in sorted(memory.merges, key=lambda m: m.loser)] == [
        (loser, winner, cause) for loser, winner, _, cause in dump(url)["merge"]
    ]


@pytest.mark.parametrize("writers", [1, 2, 4])
def test_shuffled_batches_of_several_writers_give_the_grouping_of_the_oracle(url, writers):
    mails = random_mails(writers, 1500)
    work = batches(mails, seed=writers)

    write_at_once(url, work + work[::-3], writers)  # a third of the batches goes to two writers

    assert oracle(mails) == groups(url)
    check_books(url)


def test_redelivering_in_another_order_changes_no_row_and_answers_alike(url):
    mails = random_mails(5, 800)
    write_at_once(url, batches(mails, seed=1), 2)
    before = dump(url)
    answers = write(url, batches(mails, seed=2))

    assert answers == write(url, batches(mails, seed=3, size=7))
    assert before == dump(url)


def test_evidence_does_not_depend_on_the_order_of_copies(url):
    mails = random_mails(6, 300)
    memory = MemoryGraph()
    for m in reversed(mails):
        memory.place([sighting(m)])
    write(url, batches(mails, seed=6))

    again = [sighting(m) for m in mails]
    assert stored_evidence(memory.place(again)) == stored_evidence(store(url).place(again))


def test_a_late_parent_fills_its_ghost(url):
    child = one(url, mail("b", "a"))["b"]
    parent = one(url, mail("a"))["a"]

    assert child.thread == parent.thread
    assert Counter({True: 2}) == Counter(seen for _, _, seen, _ in dump(url)["node"])
    assert not dump(url)["merge"]


def test_a_copy_with_other_references_adds_them(url):
    """A list may strip or add References: the second copy's result has both copies' evidence, nearest positions."""
    first = one(url, mail("c", "x", "b"))["c"]
    second = one(url, mail("c", "a"))["c"]

    assert second.version > first.version
    assert {"a", "b", "x"} == {e.value for e in second.evidence}
    assert [0, 0] == [e.position for e in second.evidence if e.kind is Kind.IN_REPLY_TO]
    assert one(url, mail("c", "x", "b")) == one(url, mail("c", "a")) == {"c": second}


def test_two_messages_with_one_id_share_the_node(url):
    real = sighting(mail("a", "root"))
    forged = sighting(mail("a", "other"))
    forged = type(forged)(key("forged"), forged.own, forged.mid, forged.evidence, truncated=False)

    placed = store(url).place([real, forged])

    assert placed[real.message].thread == placed[forged.message].thread
    assert [2, 3] == [len(dump(url)[table]) for table in ("message", "node")]
    assert placed[real.message].evidence != placed[forged.message].evidence


def test_a_removed_edge_stays_removed(url):
    """A redelivery, or a copy that names the target in another header, neither adds it again nor reunites."""
    one(url, mail("b", "a", "y"))
    remove(url, "b", "a")
    with psycopg.connect(url) as connection:  # what a split will do: the separated side gets a new thread
        connection.execute("UPDATE correlator.node SET thread = 10 WHERE id = %s", (key("a"),))
    before = dump(url)

    for again in (mail("b", "a", "y"), mail("b", "a")):
        assert {"y"} == {e.value for e in one(url, again)["b"].evidence}
        assert before == dump(url)
    copy = one(url, mail("b", "a", "z"))["b"]
    assert {"y", "z"} == {e.value for e in copy.evidence}
    assert not dump(url)["merge"]


def test_an_erased_id_keeps_its_place_in_the_graph(url):
    placed = one(url, mail("b", "a"))["b"]
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE correlator.node SET mid = NULL")

    again = one(url, mail("b", "a"))["b"]

    assert [(e.kind, e.position, e.target, "") for e in placed.evidence] == [
        (e.kind, e.position, e.target, e.value) for e in again.evidence
    ]
    assert placed.thread == again.thread


def test_chains_of_merges_stay_short(url):
    """Mails that merge threads from the youngest to the oldest would else make reads as long as the chain."""
    count = 120
    for n in range(count):
        one(url, mail(f"{n}@x"))
    for n in range(count - 1, 0, -1):
        one(url, mail(f"join-{n}@x", f"{n - 1}@x", f"{count - 1}@x"))

    winner = {loser: w for loser, w, *_ in dump(url)["merge"]}
    lengths = []
    for loser in winner:
        length, thread = 0, loser
        while thread in winner:
            length, thread = length + 1, winner[thread]
        lengths.append(length)
    assert count - 1 == len(winner)
    assert max(lengths) <= LONGEST_CHAIN + 2
    assert 1 == len({p.thread for p in one(url, *(mail(f"{n}@x") for n in range(count))).values()})
