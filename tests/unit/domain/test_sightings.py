"""What copies of a message add to each other."""

from services.domain.evidence import Evidence, Kind
from services.domain.sightings import Stored, addition, additions, unite
from tests.forests import key, sighting


def stored(*pieces, removed=(), truncated=False):
    edges = {(kind, key(target)): Evidence(kind, position, key(target), target) for kind, position, target in pieces}
    return Stored(5120, 5, truncated, edges, frozenset(key(target) for target in removed))


def seen(*cited, truncated=False):
    one = sighting(("m", cited))
    return type(one)(one.message, one.own, one.mid, one.evidence, truncated)


REPLY, REFERENCES = Kind.IN_REPLY_TO, Kind.REFERENCES
BOTH = ((REPLY, 0, "a"), (REFERENCES, 1, "a"))


def test_a_new_message_adds_all_and_joins_each_target_once():
    added = addition(seen("b", "a"), None)

    assert added is not None
    assert (key("a"), key("b")) == added.joins
    assert len(added.edges) == 3


def test_a_redelivery_adds_nothing():
    assert addition(seen("a"), stored(*BOTH)) is None
    assert additions(unite([seen("a")]), {seen("a").message: stored(*BOTH)}) == []


def test_an_id_that_is_nearer_now_moves_but_joins_nothing():
    added = addition(seen("a"), stored((REPLY, 3, "a"), (REFERENCES, 1, "a")))

    assert added is not None
    assert [(REPLY, 0)] == [(e.kind, e.position) for e in added.edges]
    assert added.joins == ()


def test_a_tied_target_in_another_header_is_evidence_but_joins_nothing():
    added = addition(seen("a"), stored((REFERENCES, 1, "a")))

    assert added is not None
    assert ([REPLY], ()) == ([e.kind for e in added.edges], added.joins)


def test_a_removed_target_is_not_added_in_any_header():
    assert addition(seen("a"), stored((REFERENCES, 4, "a"), removed=["a"])) is None


def test_a_copy_that_was_truncated_says_so_once():
    added = addition(seen("a", truncated=True), stored(*BOTH))

    assert added is not None
    assert (True, (), ()) == (added.truncated, added.edges, added.joins)
    assert addition(seen("a"), stored(*BOTH, truncated=True)) is None


def test_copies_in_one_batch_are_one_sighting():
    one, other = seen("x", "b"), seen("a", truncated=True)

    assert unite([one, other]) == unite([other, one, one])
    united = unite([one, other])[one.message]
    assert united.truncated
    assert {"a", "b", "x"} == {e.value for e in united.evidence}
