"""Which pieces of evidence a message has, and in which order."""

from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.evidence import MOST_IDS, STRENGTH, Kind, Strength, gather
from services.domain.message import MessageId

SPACE = UUID(int=0)
IDS = st.sampled_from([MessageId(f"{n}@x") for n in range(8)])
LISTS = st.lists(IDS, max_size=12)


def key(mid):
    return uuid5(SPACE, mid)


def ids(*names):
    return [MessageId(name) for name in names]


def pieces(own, in_reply_to, references):
    gathered = gather(MessageId(own), ids(*in_reply_to), ids(*references), key=key)
    nearest_first = sorted(gathered.evidence, key=lambda e: e.position)
    return [(e.kind.value, e.position, e.value) for e in nearest_first]


@pytest.mark.parametrize(
    ("in_reply_to", "references", "expected"),
    [
        pytest.param([], [], [], id="a new mail"),
        pytest.param(["b"], [], [("in_reply_to", 0, "b")], id="in-reply-to only"),
        pytest.param([], ["a", "b"], [("references", 0, "b"), ("references", 1, "a")], id="right to left"),
        pytest.param(
            ["b"],
            ["a", "b"],
            [("in_reply_to", 0, "b"), ("references", 1, "b"), ("references", 2, "a")],
            id="an id in both headers is listed twice",
        ),
        pytest.param(["c", "b"], [], [("in_reply_to", 0, "c"), ("in_reply_to", 1, "b")], id="in-reply-to in its order"),
        pytest.param(["own"], ["a", "own"], [("references", 0, "a")], id="self-references are dropped"),
        pytest.param(
            [], ["a", "b", "a"], [("references", 0, "a"), ("references", 1, "b")], id="the nearest repeat counts"
        ),
    ],
)
def test_nearest_first(in_reply_to, references, expected):
    assert expected == pieces("own", in_reply_to, references)


@pytest.mark.parametrize("count", [MOST_IDS, MOST_IDS + 1, 20_000])
def test_the_nearest_and_the_root_of_a_hostile_header_are_followed(count):
    hashed = []

    def counting(mid):
        hashed.append(mid)
        return key(mid)

    references = [MessageId(f"{n}@x") for n in range(count)]
    gathered = gather(MessageId("own"), [], references, key=counting)
    by_position = sorted(gathered.evidence, key=lambda e: e.position)

    assert (count > MOST_IDS) == gathered.truncated
    assert MOST_IDS == len(by_position) == len(hashed)
    assert references[::-1][: MOST_IDS - 1] == [e.value for e in by_position[:-1]]
    assert (references[0], count - 1) == (by_position[-1].value, by_position[-1].position)


@given(IDS, LISTS, LISTS)
def test_evidence_names_every_other_id_once_per_kind(own, in_reply_to, references):
    evidence = gather(own, in_reply_to, references, key=key).evidence

    assert set(in_reply_to) - {own} == {e.value for e in evidence if e.kind is Kind.IN_REPLY_TO}
    assert set(references) - {own} == {e.value for e in evidence if e.kind is Kind.REFERENCES}
    assert len(evidence) == len({(e.kind, e.target) for e in evidence})
    assert list(range(len(evidence))) == sorted(e.position for e in evidence)
    assert list(evidence) == sorted(evidence, key=lambda e: (e.kind, e.position, e.target.int))
    assert all(key(e.value) == e.target for e in evidence)


def test_every_kind_has_a_strength():
    assert set(Kind) == set(STRENGTH)
    assert Strength.HARD == gather(MessageId("own"), ids("a"), [], key=key).evidence[0].strength
