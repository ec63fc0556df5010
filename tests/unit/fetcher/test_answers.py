"""FETCH answers in the shapes that servers give."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.answers import Listed, bodies, internal_date, listed
from services.fetcher.failures import ProtocolError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            b'INTERNALDATE " 1-Jan-2024 10:00:00 +0200"', datetime(2024, 1, 1, 8, tzinfo=UTC), id="padded day"
        ),
        pytest.param(
            b'INTERNALDATE "31-dec-1999 23:59:60 -0000"', datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), id="leap"
        ),
        pytest.param(b'INTERNALDATE "31-Feb-2024 10:00:00 +0000"', None, id="no such day"),
        pytest.param(b'INTERNALDATE "01-Jan-0001 00:00:00 +1400"', None, id="before the calendar"),
        pytest.param(b"UID 4", None, id="none"),
    ],
)
def test_internal_date(text, expected):
    assert expected == internal_date(text)


def test_a_listing_leaves_notices_out_and_keeps_mail_without_date():
    answers = [
        b'2 (UID 9 INTERNALDATE "01-Jan-2024 10:00:00 +0000" RFC822.SIZE 100)',
        b"1 (FLAGS (\\Seen))",
        b'1 (RFC822.SIZE 5 INTERNALDATE "rubbish" UID 3)',
    ]

    assert [Listed(3, NOW, 5), Listed(9, datetime(2024, 1, 1, 10, tzinfo=UTC), 100)] == listed(answers, NOW)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param([(b"1 (UID 5 BODY[] {3}", b"abc"), b")"], {5: b"abc"}, id="uid first"),
        pytest.param([(b"1 (BODY[] {3}", b"abc"), b" UID 5)"], {5: b"abc"}, id="uid last"),
        pytest.param([(b"1 (UID 5 BODY[]<0> {3}", b"abc"), b")"], {5: b"abc"}, id="partial"),
        pytest.param([b'1 (UID 5 BODY[] "a\\"c")'], {5: b'a"c'}, id="quoted"),
        pytest.param([b'1 (UID 5 BODY[] "")'], {5: b""}, id="empty"),
        pytest.param([b"1 (UID 5 BODY[] NIL)"], {}, id="nil is no content"),
        pytest.param([b"1 (UID 5 FLAGS ())"], {}, id="flags only"),
        pytest.param(
            [(b"1 (UID 5 X-THING {2}", b"no"), (b" BODY[] {3}", b"abc"), b")", (b"2 (UID 6 BODY[] {1}", b"z"), b")"],
            {5: b"abc", 6: b"z"},
            id="other literals and two mails",
        ),
        pytest.param([(b"1 (BODY[] {9}", b"UID 77 abc"), b")"], {}, id="a mail cannot name its own uid"),
    ],
)
def test_bodies(answers, expected):
    assert expected == bodies(answers)


WHAT_FOLLOWS = [
    b")",
    b" )",
    b" UID 5)",
    b' FLAGS (\\Seen $Junk) INTERNALDATE "01-Jan-2024 10:00:00 +0000")',
    b' uid 5 X-GM-LABELS ("\\\\Sent" "a (b" c) MODSEQ (7))',
    b" EMAILID (M6d99) RFC822.SIZE 3 BODY[HEADER.FIELDS (SUBJECT)]<0> NIL)",
]  # fmt: skip


@pytest.mark.parametrize("after", WHAT_FOLLOWS)
def test_what_servers_write_after_a_mail_is_read_over(after):
    assert {5: b"abc"} == bodies([(b"1 (UID 5 BODY[] {3}", b"abc"), after])


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"c)", id="the end of the mail"),
        pytest.param(b" end of the mail)", id="the end of the mail behind a blank"),
        pytest.param(b"* 2 FETCH (UID 6 FLAGS ())", id="the next answer"),
        pytest.param(b" 2 FETCH (UID 6 FLAGS ())", id="a part of the next answer"),
        pytest.param(b"A12 OK done", id="the end of the command"),
        pytest.param(b" UID 5", id="no parenthesis"),
        pytest.param(b") ) )", id="too many of them"),
    ],
)
def test_a_mail_of_another_length_than_announced_is_not_taken(after):
    with pytest.raises(ProtocolError, match="another length"):
        bodies([(b"1 (UID 5 BODY[] {3}", b"abc"), after])


def test_the_next_mail_is_no_part_of_this_one():
    with pytest.raises(ProtocolError):
        bodies([(b"1 (UID 5 BODY[] {6}", b"abc)\r\n"), (b"* 2 FETCH (UID 6 BODY[] {1}", b"z"), b")"])


@given(st.lists(st.sampled_from([b" ", b"(", b")", b'"', b"A", b"[", b"]", b"{3}", b"\\", b"7"]), max_size=4000))
def test_whatever_follows_a_mail_is_read_or_refused(pieces):
    """Also what is made to keep a pattern busy."""
    with suppress(ProtocolError):
        assert {5: b"abc"} == bodies([(b"1 (UID 5 BODY[] {3}", b"abc"), b"".join(pieces)])
