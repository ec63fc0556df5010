"""The product's smart matching: its test vectors, and the index against a comparison with everything."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.message import Mailbox
from services.domain.smart_index import SmartIndex
from services.domain.smart_matching import (
    LONGEST_SUBJECT,
    NOISE,
    Hashes,
    Indexed,
    Parameters,
    addresses_of,
    hashes_of,
    rank,
    strip,
    words_of,
)
from tests.messages import message

KEY = b"k" * 32
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
VECTORS = {
    "RE: Test": "Test",
    "FW: RE: Test": "Test",
    "Re : Test": "Test",
    "AW: WG: Angebot": "Angebot",
    "Invoice: 4711 overdue": "4711 overdue",
    "10:30 meeting": "30 meeting",
    "https://x.y/z": "//x.y/z",
    "RE[2]: Test": "RE[2]: Test",
    "[EXT] RE: hello": "[EXT] RE: hello",
    "Automatic reply: hello": "Automatic reply: hello",
    "Out of office: back Monday": "Out of office: back Monday",
    "回复: 报价": "报价",
    "回复\uff1a报价": "回复\uff1a报价",
    "CRM:0001001 hello": "0001001 hello",
}


@pytest.mark.parametrize(("subject", "stripped"), VECTORS.items())
def test_the_default_filter_takes_out_what_the_products_does(subject, stripped):
    assert stripped == strip(subject, NOISE)


def test_every_match_of_a_filter_is_taken_out_as_one_for_an_absence_shows():
    """A phrase of several words is taken out when the filter names it (domain rule 3.7)."""
    assert "back soon" == strip("Out of office: back soon", rf"Out of office:\s*|{NOISE}")


def test_words_are_distinct_whatever_their_case_and_only_the_first_ones_count():
    assert ["order", "4711", "crm"] == words_of("Order ORDER 4711! _CRM_ x", 3)


def test_addresses_are_distinct_over_all_headers_and_only_the_first_ones_count():
    kim, lee, max_ = Mailbox("", "Kim@x.example"), Mailbox("", "lee@x.example"), Mailbox("", "max@x.example")
    one = message(from_=(kim,), to=(Mailbox("", "kim@X.example"), lee), cc=(Mailbox("", ""),), bcc=(max_,))

    assert ["kim@x.example", "lee@x.example", "max@x.example"] == addresses_of(one, 20)
    assert ["kim@x.example", "lee@x.example"] == addresses_of(one, 2)


def test_a_word_is_no_address_and_another_key_gives_other_hashes():
    one = message(from_=(Mailbox("", "hello"),), to=())
    here, there = hashes_of(one, "hello", 20, key=KEY), hashes_of(one, "hello", 20, key=b"x")

    assert (1, 1) == (len(here.words), len(here.addresses))
    assert 4 == len(here.words | here.addresses | there.words | there.addresses)


def test_no_more_of_a_subject_than_the_beginning_is_given_to_the_filter():
    assert LONGEST_SUBJECT == len(strip("x" * 100_000, NOISE))


@pytest.mark.parametrize(
    ("words", "addresses", "fields", "found"),
    [
        ({1, 2}, {8, 9}, {}, True),
        ({1, 2, 3}, {8, 9}, {}, False),
        ({1, 3}, {8, 9}, {}, False),
        ({1, 2}, {8, 7}, {}, False),
        ({1, 2}, {8, 7}, {"min_address": 1}, True),
        ({1, 2, 3}, {8, 9}, {"delta_subject": 1}, True),
        ({1, 2, 3, 4}, {8, 9}, {"delta_subject": 1}, False),
        ({1, 3}, {8, 9}, {"delta_subject": 1}, True),
        ({3, 4}, {8, 9}, {"delta_subject": 2_147_483_647}, False),
        (set(), {8, 9}, {"delta_subject": 20}, False),
        ({1, 2}, set(), {"min_address": 0}, True),
    ],
)
def test_two_mails_are_alike_as_the_rule_says(words, addresses, fields, found):
    """Counts of words that differ by the delta at most, all but the delta in common and at least one, and people."""
    index = SmartIndex[str]()
    index.add(Indexed("one", NOON, Hashes(frozenset(words), frozenset(addresses))))

    parameters = Parameters(**fields)
    assert found == bool(index.find(Hashes(frozenset({1, 2}), frozenset({8, 9})), NOON, parameters))


def test_the_newest_is_continued_then_the_one_with_most_common_addresses():
    index, hashes = SmartIndex[str](), Hashes(frozenset({1}), frozenset({7, 8, 9}))
    for key, hours, addresses in (
        ("old", 2, {7, 8, 9}),
        ("fewer", 1, {7, 8}),
        ("more", 1, {7, 8, 9}),
        ("z", 1, {7, 9}),
    ):
        index.add(Indexed(key, NOON - timedelta(hours=hours), Hashes(frozenset({1}), frozenset(addresses))))

    found = index.find(hashes, NOON, Parameters())
    assert found is not None
    assert "more" == found.key


def test_what_lies_before_the_days_that_are_looked_back_or_in_the_future_is_not_continued():
    index, hashes = SmartIndex[str](), Hashes(frozenset({1}), frozenset({8, 9}))
    index.add(Indexed("one", NOON, hashes))

    def at(time):
        return index.find(hashes, time, Parameters(lookback=timedelta(days=90))) is not None

    assert [False, True, True, False] == [
        at(NOON - timedelta(seconds=1)), at(NOON), at(NOON + timedelta(days=90)), at(NOON + timedelta(days=91))
    ]  # fmt: skip
    assert index.find(hashes, datetime.min.replace(tzinfo=UTC), Parameters()) is None


def test_of_a_common_word_only_the_newest_mails_are_compared():
    index, hashes = SmartIndex[int](most=2), Hashes(frozenset({1}), frozenset({8, 9}))
    index.add(Indexed(0, NOON, hashes))
    for n in (1, 2):
        index.add(Indexed(n, NOON + timedelta(hours=n), Hashes(frozenset({1}), frozenset({n}))))

    assert index.find(hashes, NOON + timedelta(days=1), Parameters()) is None


small = st.frozensets(st.integers(0, 5), max_size=5)
mails = st.lists(st.tuples(st.integers(0, 9), small, small), max_size=30)
parameters = st.builds(
    Parameters,
    delta_subject=st.sampled_from([0, 1, 2, 3, 2_147_483_647]),
    min_address=st.integers(0, 3),
    lookback=st.timedeltas(timedelta(0), timedelta(days=12)),
)


@given(mails, st.tuples(st.integers(0, 9), small, small), parameters)
def test_the_index_finds_what_a_comparison_with_every_mail_finds(stored, asking, chosen):
    """The rarest words are enough, in whatever order the mails were added."""
    index, everything = SmartIndex[int](), []
    for key, (day, words, addresses) in enumerate(stored):
        everything.append(Indexed(key, NOON + timedelta(days=day), Hashes(words, addresses)))
        index.add(everything[-1])
    day, words, addresses = asking
    hashes, sent = Hashes(words, addresses), NOON + timedelta(days=day)

    ranked = [(found, one) for one in everything if (found := rank(one, hashes, sent, chosen))]
    best = max(ranked, key=lambda pair: pair[0])[1] if ranked else None
    assert best == index.find(hashes, sent, chosen)
