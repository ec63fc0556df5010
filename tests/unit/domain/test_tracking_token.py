"""The product's numeric token: how it is made, where it stands, how it is found again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import tracking_token as token
from services.domain.tracking_token import Layout

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
prefixes = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20).filter(
    lambda text: not text.isdecimal()
)
layouts = st.builds(
    Layout,
    prefix=prefixes,
    base=st.integers(0, 2_147_483_647),
    user_digits=st.integers(1, 10),
    counter_digits=st.integers(1, 9),
)


@pytest.mark.parametrize(
    ("layout", "user", "count", "expected"),
    [
        (Layout(), 1, 1, "CRM:0001001"),
        (Layout(base=500), 1, 42, "CRM:0501042"),
        (Layout(user_digits=2, counter_digits=5), 7, 1234, "CRM:00701234"),
        (Layout(prefix="#"), 1, 1, "#0001001"),
        (Layout(), 1, 999, "CRM:0001999"),
        (Layout(), 1, 1000, "CRM:0001000"),
        (Layout(), 1, 1001, "CRM:0001001"),
    ],
)
def test_a_token_has_the_layout_of_the_settings(layout, user, count, expected):
    assert (expected, False) == (
        (made := token.generate(layout, user=user, count=count)).text,
        made.widened,
    )


def test_a_number_with_more_digits_than_the_layout_has_is_widened_and_said_so():
    made = token.generate(Layout(base=999), user=1, count=7)

    assert ("CRM:01000007", True) == (made.text, made.widened)


@given(layouts, st.integers(1, 10**6), st.integers(0, 10**12), st.text(max_size=400), st.integers(255, 400))
def test_a_token_stands_at_the_end_of_a_subject_that_is_not_too_long_and_is_found_there(
    layout, user, count, subject, longest
):
    made = token.generate(layout, user=user, count=count)

    whole = token.with_token(subject, made.text, longest=longest)

    assert len(whole) <= longest
    assert whole.endswith(made.text)
    assert token.key(made.text) == token.find(whole, [layout.prefix])[0]
    assert token.number(made.text) == token.number(token.candidates(whole)[0])


@given(layouts, st.integers(1, 10**6), st.integers(0, 10**12), st.text(max_size=100))
def test_a_candidate_holds_the_token_that_its_prefix_makes_it(layout, user, count, subject):
    made = token.generate(layout, user=user, count=count)

    seen = token.candidates(token.with_token(subject, made.text, longest=255))

    assert (token.key(made.text),) == token.find(seen[0], [layout.prefix])


def test_a_token_that_is_too_long_by_itself_is_left_out():
    assert "Hello" == token.with_token("Hello", "CRM:0001001", longest=10)


def test_an_answer_has_the_token_of_its_thread_once():
    assert "RE: Order [EXT] CRM:0001001" == token.with_token("RE: Order crm:0001001 [EXT]", "CRM:0001001", longest=255)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Re: Order CRM:0001001", ("crm:0001001",)),
        ("CRM:0001001 Order", ("crm:0001001",)),
        ("Re: Order (crm:0001001)", ("crm:0001001",)),
        ("[CRM:0001001] Order, [old#0007]", ("old#0007", "crm:0001001")),
        ("Order CRM:0001001, thanks; CRM:0002002.", ("crm:0002002", "crm:0001001")),
        ("Order CRM:12", ()),
        ("OrderCRM:0001001", ()),
        ("Order CRM:0001001x", ()),
        ("Order CRM: 0001001", ()),
        ("Order CRM:" + "1" * 21, ()),
        ("Order C.M:0001001", ()),
        ("Order 0001001", ()),
    ],
)
def test_tokens_are_found_by_known_prefixes_in_any_case_and_the_last_one_first(subject, expected):
    assert expected == token.find(subject, ["CRM:", "old#"])


def test_without_a_prefix_there_is_no_token():
    assert () == token.find("CRM:0001001", [])


@pytest.mark.parametrize(
    "subject", ["Order 4711", "4711", "2026-05-04 Meeting at 10:30", "Order CRM:12", "No. 815 due"]
)
def test_a_plain_number_is_no_candidate(subject):
    assert () == token.candidates(subject)


@pytest.mark.parametrize(
    "piece", ["CRM:0001001", " CRM:0001001", "1", "CRM:", " CRM:1", "((((", "CRM:0001001,", " ", "CRM:CRM:1111111 "]
)
def test_a_subject_of_two_megabytes_costs_one_pass(piece):
    """What grew with the square of the length would take hours."""
    subject = piece * (2_000_000 // len(piece))

    assert len(token.candidates(subject)) <= token.MOST_CANDIDATES
    assert isinstance(token.find(subject, ["CRM:", "CRM:CRM:"]), tuple)


@dataclass(frozen=True)
class Carried:
    name: str
    sent: datetime | None


FIRST, SECOND, UNDATED = Carried("1", NOON), Carried("2", NOON + timedelta(days=1)), Carried("3", None)


@pytest.mark.parametrize(
    ("carrying", "before", "expected"),
    [
        ([FIRST, SECOND], NOON + timedelta(days=2), SECOND),
        ([SECOND, FIRST], NOON + timedelta(hours=1), FIRST),
        ([SECOND, FIRST], None, SECOND),
        ([SECOND], NOON, SECOND),
        ([UNDATED, FIRST], NOON, FIRST),
        ([UNDATED], NOON, UNDATED),
        ([], NOON, None),
    ],
)
def test_of_several_mails_with_one_token_the_most_recent_is_meant_that_could_be_answered(carrying, before, expected):
    assert expected == token.most_recent(carrying, before=before)


@pytest.mark.parametrize(
    ("sender", "people", "expected"),
    [
        ("kim@c.example", {"kim@c.example", "anna@own.example"}, {"kim@c.example"}),
        ("eve@x.example", {"eve@x.example", "anna@own.example"}, set()),
        ("eve@x.example", {"eve@x.example", "anna@own.example", "kim@c.example"}, {"kim@c.example"}),
        ("anna@own.example", {"anna@own.example", "ben@own.example"}, {"anna@own.example"}),
    ],
)
def test_our_own_mailboxes_are_no_part_in_a_thread_unless_they_write(sender, people, expected):
    own = {"anna@own.example", "ben@own.example"}

    assert expected == token.shared(sender, people, {"kim@c.example", "anna@own.example"}, own)
