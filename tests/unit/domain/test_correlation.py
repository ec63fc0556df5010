"""Which evidence counts: the nearest tracked target, independent of order (domain rule 3)."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.domain.correlation import Method, Pointer, Target, TrackedAs
from services.domain.correlation_rules import Switches
from services.domain.directory import RecordRef
from services.domain.features import features_of
from services.domain.identity import Direction
from services.domain.linking import correlate
from services.domain.message import Mailbox
from services.domain.regardings import Regarding, Source
from tests.messages import message

CASE = RecordRef("case", "4711")
PEOPLE = frozenset({"kim@customer.example", "support@own.example"})

ASKING = features_of(message(to=(Mailbox("", "support@own.example"),)), Direction.INCOMING)


def tracked(number: int, direction: Direction = Direction.INCOMING, *, regarding: RecordRef | None = None) -> TrackedAs:
    hangs = (Regarding(regarding, Source.MANUAL),) if regarding else ()
    return TrackedAs(UUID(int=1000 + number), direction, hangs, None)


def target(number: int, *activities: TrackedAs, people: frozenset[str] = frozenset()) -> Target:
    return Target(UUID(int=number), f"{number}@x.example", activities, people, "Re: Hello")


def pointer(position: int, *targets: Target, kind: str = "references", cyclic: bool = False) -> Pointer:
    return Pointer(kind, f"{position}@x.example", position, cyclic, targets)


def run(*pointers: Pointer, headers: bool = True):
    return correlate(pointers, ASKING, Switches(headers=headers))


def test_in_reply_to_counts_before_references():
    near, far = target(1, tracked(1)), target(2, tracked(2))

    found = run(pointer(1, far), pointer(0, near, kind="in_reply_to"))

    assert (Method.IN_REPLY_TO, near) == (found.method, found.target)


def test_the_nearest_tracked_reference_counts_when_the_parent_is_not_tracked():
    grandparent = target(2, tracked(2))

    found = run(pointer(0, target(1), kind="in_reply_to"), pointer(1, target(1)), pointer(2, grandparent))

    assert (Method.REFERENCES, grandparent) == (found.method, found.target)


def test_everything_that_was_looked_at_is_reported_with_a_reason():
    found = run(pointer(0, kind="in_reply_to"), pointer(1, target(1, tracked(1))), pointer(2, target(2, tracked(2))))

    assert [
        ("no stored message has this id", False),
        ("the message with this id is tracked", True),
        ("a nearer one counts", False),
    ] == [(x.why, x.counts) for x in found.looked]


def test_nothing_counts_when_header_correlation_is_off():
    found = run(pointer(0, target(1, tracked(1)), kind="in_reply_to"), headers=False)

    assert (Method.NONE, None) == (found.method, found.target)


def test_evidence_on_a_circle_does_not_count():
    assert Method.NONE == run(pointer(0, target(1, tracked(1)), cyclic=True)).method


def test_the_regarding_is_inherited_from_the_correlated_activity():
    found = run(pointer(0, target(1, tracked(1, regarding=CASE)), kind="in_reply_to"))

    assert (Regarding(CASE, Source.CORRELATED, why=str(UUID(int=1001))),) == found.inherited


def test_of_two_messages_with_one_id_the_one_with_a_common_participant_counts():
    real = target(1, tracked(1), people=frozenset({"support@own.example"}))
    forged = target(2, tracked(2), people=frozenset({"mallory@evil.example"}))

    assert real == run(pointer(0, forged, real, kind="in_reply_to")).target


def test_of_two_messages_with_one_id_none_counts_when_both_could_be_meant():
    one = target(1, tracked(1), people=PEOPLE)
    two = target(2, tracked(2), people=PEOPLE)

    assert run(pointer(0, one, two, kind="in_reply_to")).target is None


def test_a_reply_answers_what_went_the_other_way():
    both = target(1, tracked(1, Direction.INCOMING), tracked(2, Direction.OUTGOING))

    assert Direction.OUTGOING == run(pointer(0, both, kind="in_reply_to")).activity.direction


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
def test_the_order_in_which_evidence_is_stored_changes_nothing(order, known):
    pointers = [pointer(n, *([target(n, tracked(n))] if n in known else [])) for n in range(6)]

    assert run(*pointers) == run(*(pointers[n] for n in order))
