"""Evidence that points at no id lies in the stored graph, comes back as it was, and joins nothing."""

import pytest

from services.domain.evidence import Evidence, Kind, ordered
from services.domain.memory_graph import MemoryGraph
from services.domain.message import MessageId
from services.domain.sightings import Sighting
from tests.component.correlator.writers import store
from tests.forests import key

pytestmark = pytest.mark.component


def sighting(own: str, *evidence: Evidence) -> Sighting:
    return Sighting(key("message " + own), key(own), MessageId(own), ordered(evidence), truncated=False)


def piece(kind: Kind, target: str, value: str) -> Evidence:
    return Evidence(kind, 0, key(target), value)


MAILS = [
    sighting("a", piece(Kind.THREAD_INDEX, "root", "aa"), piece(Kind.LIKENESS, "x", "attribution 0.99")),
    sighting("b", piece(Kind.THREAD_INDEX, "root", "aa01"), piece(Kind.TRACKING_TOKEN, "token", "CRM:1")),
    sighting("c", piece(Kind.ALIAS, "d", "d")),
    sighting("e", piece(Kind.COPY, "same", "")),
    sighting("f", piece(Kind.COPY, "same", "")),
    sighting("d"),
]


def test_only_ids_and_other_names_join_threads_and_values_come_back(url):
    """The same in memory and in the database, and the same again for a redelivery."""
    memory, stored = MemoryGraph(), store(url)
    first = [store(url).place([one]) for one in MAILS]

    assert [memory.place([one]) for one in MAILS] == first
    again = stored.place(MAILS)
    assert {one.message: one.evidence for one in MAILS} == {key_: placed.evidence for key_, placed in again.items()}
    threads = [again[one.message].thread for one in MAILS]
    assert threads[2] == threads[5]
    assert threads[3] == threads[4]
    assert 4 == len(set(threads))


def test_a_copy_with_a_nearer_piece_replaces_its_value(url):
    far = sighting("a", Evidence(Kind.LIKENESS, 1, key("x"), "rule 0.7"))
    near = sighting("a", Evidence(Kind.LIKENESS, 0, key("x"), "rule 0.9"))
    store(url).place([far])

    placed = store(url).place([near])

    assert ["rule 0.9"] == [one.value for one in placed[near.message].evidence]
    assert placed == store(url).place([far])
