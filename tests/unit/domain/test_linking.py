"""The decision about evidence of every kind: both tables, contradictions, forwards, branches, the sender gate."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.correlation import (
    Correlation,
    Effect,
    Method,
    Pointer,
    ReviewKind,
    Target,
    TrackedAs,
    plain,
)
from services.domain.correlation_rules import TABLES, UNUSED, Mode, Smart, Switches
from services.domain.directory import RecordRef
from services.domain.evidence import NAMES_ITSELF, STRENGTH, Kind, Strength
from services.domain.features import features_of
from services.domain.identity import Direction
from services.domain.linking import correlate
from services.domain.message import Mailbox, Part, PartRole
from services.domain.regardings import Regarding, Source
from services.domain.sender_verdict import SenderVerdict
from tests.messages import message

KIM, SUPPORT = "kim@customer.example", "support@own.example"
PEOPLE = frozenset({KIM, SUPPORT})
ONE, OTHER = RecordRef("case", "1"), RecordRef("case", "2")
LINKING = {Mode.BEST: Switches(smart=Smart.LINK), Mode.COMPATIBLE: Switches(mode=Mode.COMPATIBLE, smart=Smart.LINK)}
ORDER = {
    Mode.BEST: [
        "manual",
        "own_token",
        "in_reply_to",
        "references",
        "own_subject_token",
        "tracking_token",
        "thread_index",
        "folder",
        "likeness",
    ],
    Mode.COMPATIBLE: ["manual", "in_reply_to", "references", "tracking_token", "thread_index", "smart_matching"],
}


def target(number: int, regarding: RecordRef | None = None, *, subject: str = "Hello") -> Target:
    filed = (Regarding(regarding, Source.MANUAL),) if regarding else ()
    tracked = TrackedAs(UUID(int=1000 + number), Direction.OUTGOING, filed, RecordRef("user", str(number)))
    return Target(UUID(int=number), f"{number}@x.example", (tracked,), PEOPLE, subject)


def pointer(kind: str, *targets: Target, position: int = 0, value: str = "rule 0.90") -> Pointer:
    record = ONE if kind == Kind.FOLDER else None
    return Pointer(kind, value, position, cyclic=False, targets=() if record else targets, record=record)


def run(*pointers: Pointer, switches: Switches = LINKING[Mode.BEST], sender=None, around=None, **mail) -> Correlation:
    asking = features_of(message(**{"to": (Mailbox("", SUPPORT),), "subject": "Re: Hello", **mail}), Direction.INCOMING)
    more = {name: one for name, one in (("sender", sender), ("around", around)) if one is not None}
    return correlate(pointers, asking, switches, **more)


def record(found: Correlation) -> RecordRef | None:
    return found.inherited[0].record if found.inherited else None


class Around:
    """Surroundings in which these pairs of messages are related, and tracked messages have this text."""

    def __init__(self, *related: tuple[int, int], text: str = "") -> None:
        self._related = {frozenset(pair) for pair in related}
        self._text = text

    def related(self, one: Target, other: Target) -> bool:
        return frozenset((one.message_key.int, other.message_key.int)) in self._related

    def above(self, one: Target, other: Target) -> bool:
        return False

    def text(self, target: Target) -> str:
        return self._text


@pytest.mark.parametrize("mode", Mode)
def test_every_kind_has_a_line_or_a_reason_why_not(mode: Mode):
    """An administrator finds every kind in the table, or in the list of what is not used."""
    lines = {rule.kind for rule in TABLES[mode]}
    unused = {kind for at, kind in UNUSED if at == mode}

    assert set(Kind) - NAMES_ITSELF == lines | unused
    assert not lines & unused
    assert [rule.kind for rule in TABLES[mode]] == ORDER[mode]


@pytest.mark.parametrize("mode", Mode)
def test_the_first_kind_in_order_wins_whatever_else_there_is(mode: Mode):
    """Of every two kinds of the table, the earlier one decides; the later one is reported as a loser."""
    for place, kind in enumerate(ORDER[mode]):
        for later in ORDER[mode][place + 1 :]:
            found = run(pointer(later, target(2)), pointer(kind, target(1)), switches=LINKING[mode])

            assert [kind] == [one.kind for one in found.looked if one.counts], (kind, later)
            assert found.target == (None if kind == Kind.FOLDER else target(1))


def test_our_own_tokens_and_likeness_count_in_best_mode_only():
    pieces = [pointer("own_token", target(1)), pointer("likeness", target(1), value="attribution 0.99")]

    assert Method.TRACKING_TOKEN == run(*pieces).method
    found = run(*pieces, switches=LINKING[Mode.COMPATIBLE])
    assert (Method.NONE, ()) == (found.method, found.reviews)
    assert all("compatible mode" in one.why or "best mode" in one.why for one in found.looked)


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("own_token", Method.TRACKING_TOKEN),
        ("in_reply_to", Method.IN_REPLY_TO),
        ("references", Method.REFERENCES),
        ("tracking_token", Method.TRACKING_TOKEN),
        ("thread_index", Method.CONVERSATION_INDEX),
        ("likeness", Method.SMART_MATCHING),
    ],
)
def test_the_outcome_names_method_rule_and_confidence(kind: str, method: Method):
    found = run(pointer(kind, target(1, ONE)))

    rule = next(rule for rule in TABLES[Mode.BEST] if rule.kind == kind)
    assert (method, rule.name, Effect.JOINS) == (found.method, found.rule, found.effect)
    assert found.confidence == (rule.confidence or 0.9)
    assert found.inherited == (Regarding(ONE, Source.CORRELATED, why=str(UUID(int=1001))),)


def test_a_thread_index_without_common_people_counts_in_compatible_mode_only():
    stranger = Target(UUID(int=1), "1@x", target(1).activities, frozenset({"else@x.example"}), "Hello")

    assert Method.NONE == run(pointer("thread_index", stranger)).method
    compatible = run(pointer("thread_index", stranger), switches=LINKING[Mode.COMPATIBLE])
    assert Method.CONVERSATION_INDEX == compatible.method


def test_two_unrelated_records_open_a_review_and_the_nearest_counts():
    near, far = pointer("in_reply_to", target(1, ONE)), pointer("references", target(2, OTHER), position=1)

    found = run(near, far)
    assert (target(1, ONE), ONE) == (found.target, record(found))
    assert [(ReviewKind.CONTRADICTION, UUID(int=2))] == [(one.kind, one.target) for one in found.reviews]

    assert () == run(near, far, around=Around((1, 2))).reviews
    assert () == run(near, pointer("references", target(2, ONE), position=1)).reviews
    assert () == run(near, pointer("references", target(2), position=1)).reviews
    assert () == run(near, far, switches=LINKING[Mode.COMPATIBLE]).reviews


@pytest.mark.parametrize(
    ("verdict", "verified", "counts", "asked"),
    [
        (SenderVerdict.PLAUSIBLE, True, True, False),
        (SenderVerdict.NEW_PARTICIPANT, False, True, True),
        (SenderVerdict.STRANGER, False, True, True),
        (SenderVerdict.FAILED, False, False, True),
    ],
)
def test_the_sender_gate_decides_what_follows_from_a_link(verdict, verified, counts, asked):
    """The mail of whoever has no part in it is linked as unverified: no regarding, no owner, and a person is asked."""
    found = run(pointer("in_reply_to", target(1, ONE)), sender=lambda _: verdict)

    assert (target(1, ONE), verified, counts) == (found.target, found.verified, found.tracked)
    assert verified == bool(found.inherited) == (found.owner is not None)
    assert asked == any(one.kind == ReviewKind.UNVERIFIED for one in found.reviews)
    assert (verdict != SenderVerdict.PLAUSIBLE) == any(one.kind == "sender" for one in found.looked)


def test_a_token_that_only_we_can_have_made_links_a_stranger_without_asking():
    found = run(pointer("own_token", target(1)), sender=lambda _: SenderVerdict.STRANGER)

    assert (False, ()) == (found.verified, found.reviews)


@pytest.mark.parametrize("verdict", [SenderVerdict.NEW_PARTICIPANT, SenderVerdict.STRANGER])
def test_likeness_links_no_stranger_but_suggests(verdict):
    found = run(pointer("likeness", target(1)), sender=lambda _: verdict)

    assert (None, [ReviewKind.SUGGESTION]) == (found.target, [one.kind for one in found.reviews])


@pytest.mark.parametrize(
    ("said", "smart", "outcome"),
    [
        ("rule 0.80", Smart.LINK, Effect.JOINS),
        ("rule 0.79", Smart.LINK, ReviewKind.SUGGESTION),
        ("rule 0.99", Smart.SUGGEST, ReviewKind.SUGGESTION),
        ("rule 0.59", Smart.LINK, None),
        ("rule 0.99", Smart.OFF, None),
        ("rule 7", Smart.LINK, None),
        ("rule nan", Smart.LINK, None),
        ("", Smart.LINK, None),
    ],
)
def test_likeness_links_suggests_or_abstains_by_its_confidence(said: str, smart: Smart, outcome: object):
    found = run(pointer("likeness", target(1), value=said), switches=Switches(smart=smart))

    assert (outcome == Effect.JOINS) == (found.target is not None)
    assert (outcome == ReviewKind.SUGGESTION) == bool(found.reviews)


ENCLOSED = Part("2", "message/rfc822", "", 1, "", "", "", PartRole.ATTACHMENT)
BLOCK = "See below.\n\n---------- Forwarded message ---------\nFrom: Kim"
ELSEWHERE = (Mailbox("", "lee@partner.example"),)


@pytest.mark.parametrize(
    ("mail", "forward"),
    [
        ({"subject": "Fwd: Hello"}, True),
        ({"subject": "WG: Hello"}, True),
        ({"subject": "TR: Hello"}, True),
        ({"subject": "转发: Hello"}, True),
        ({"subject": "Re: Fwd: Hello"}, False),
        ({"subject": "VS: Hello"}, False),
        ({"subject": "VS: Hello", "body_text": BLOCK}, True),
        ({"subject": "VS: Hello", "to": ELSEWHERE}, True),
        ({"subject": "Hello", "body_text": BLOCK}, False),
        ({"subject": "Hello", "body_text": BLOCK, "to": ELSEWHERE}, True),
        ({"subject": "Hello", "parts": (ENCLOSED,), "to": ELSEWHERE}, True),
        ({"subject": "Re: Hello", "parts": (ENCLOSED,), "to": ELSEWHERE}, False),
        ({"subject": "Re: Hello", "to": ELSEWHERE}, False),
        ({"subject": "Hello", "body_text": "> " + BLOCK.replace("\n", "\n> "), "to": ELSEWHERE}, False),
    ],
)
def test_a_forward_does_not_answer_what_it_shows(mail, forward: bool):  # noqa: FBT001
    """Marks, an original in the mail, and whom it is for, together; what it forwards is named as what it is."""
    found = run(pointer("in_reply_to", target(1)), **mail)

    assert forward == (found.target is None)
    assert forward == any(
        one.cls == Strength.AGAINST and one.points_to == "1@x.example" and "forwards" in one.why for one in found.looked
    )


def test_forwards_answer_when_the_setting_says_so_and_tokens_do_in_compatible_mode():
    kept = Switches(ignore_forwards=False)
    assert Method.IN_REPLY_TO == run(pointer("in_reply_to", target(1)), switches=kept, subject="Fwd: Hello").method
    token = run(pointer("tracking_token", target(1)), switches=LINKING[Mode.COMPATIBLE], subject="Fwd: Hello")
    assert Method.TRACKING_TOKEN == token.method


QUOTED = "No.\n\nOn Monday, Kim wrote:\n> We offer you the seven pumps for less."


@pytest.mark.parametrize(
    ("mail", "effect", "changed"),
    [
        ({"subject": "AW: hello"}, Effect.JOINS, False),
        ({"subject": "Invoice 12"}, Effect.BRANCHES, True),
        ({"subject": "Re: Invoice 12"}, Effect.BRANCHES, True),
        ({"subject": "Invoice 12", "body_text": QUOTED}, Effect.JOINS, True),
        ({"subject": "Invoice 12", "body_text": "> something else that was never said here"}, Effect.BRANCHES, True),
    ],
)
def test_another_subject_without_a_quote_is_a_branch(mail, effect: Effect, changed: bool):  # noqa: FBT001
    """It stays in the conversation, with the record, and is marked."""
    around = Around(text="Dear all,\nwe offer you the seven\npumps for less.")
    found = run(pointer("in_reply_to", target(1, ONE)), around=around, **mail)

    assert (effect, changed, ONE) == (found.effect, found.subject_changed, record(found))
    compatible = run(pointer("in_reply_to", target(1)), switches=LINKING[Mode.COMPATIBLE], around=around, **mail)
    assert (Effect.JOINS, changed) == (compatible.effect, compatible.subject_changed)


def test_what_names_the_mail_itself_under_another_id_is_no_answer():
    found = run(Pointer("references", "a@x", 0, cyclic=False, targets=(), itself=True))

    assert ["this is the same mail under another id"] == [one.why for one in found.looked]


def test_two_messages_with_one_id_that_cannot_be_told_apart_open_a_review():
    found = run(pointer("in_reply_to", target(1), target(2)))

    assert (None, [ReviewKind.AMBIGUOUS] * 2) == (found.target, [one.kind for one in found.reviews])


PIECES = st.lists(
    st.tuples(
        st.sampled_from([kind for kind in Kind if kind not in NAMES_ITSELF]),
        st.integers(0, 3),
        st.lists(st.integers(1, 4).map(lambda n: target(n, (None, ONE, OTHER)[n % 3])), max_size=2, unique=True),
        st.sampled_from(["rule 0.95", "rule 0.7", "rule", ""]),
    ),
    max_size=8,
    unique_by=lambda one: (one[0], one[1], one[3]),
)


@given(
    PIECES,
    st.sampled_from(Mode),
    st.sampled_from(Smart),
    st.sampled_from(SenderVerdict),
    st.sampled_from(["Re: Hello", "Fwd: Hello", "Else"]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_evidence_changes_nothing_and_every_piece_is_accounted_for(  # noqa: PLR0917
    pieces: Sequence[tuple[Kind, int, list[Target], str]], mode, smart, verdict, subject, random
):
    """For any evidence: one outcome, at most one piece counts, and each loser has its reason."""
    given_ = [pointer(kind, *targets, position=at, value=said) for kind, at, targets, said in pieces]
    shuffled = random.sample(given_, len(given_))
    switches = Switches(mode=mode, smart=smart)

    found = run(*given_, switches=switches, sender=lambda _: verdict, subject=subject)

    assert found == run(*shuffled, switches=switches, sender=lambda _: verdict, subject=subject)
    evidence = [one for one in found.looked if one.kind in STRENGTH]
    assert len(given_) == len(evidence)
    assert all(one.why for one in evidence)
    assert (found.method != Method.NONE) == (1 == sum(one.counts for one in evidence))
    assert all(plain(one)["why"] for one in found.looked)
