"""What a text quotes, and whether an answer goes on with its conversation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.branches import LOOKED_AT, quoted, quotes, subject_changed
from services.domain.subjects import normalise_subject

ORIGINAL = "Dear all, we offer you the seven pumps for less than they cost anywhere else."


@pytest.mark.parametrize(
    "body",
    [
        "No.\n> Dear all, we offer you the seven\n> pumps for less than they cost anywhere else.",
        "No.\n\n-----Original Message-----\nFrom: Kim\n\n" + ORIGINAL,
        "Nein.\n\nVon: Kim\nGesendet: gestern\n\n" + ORIGINAL,
        "No.\n\nOn 4 May 2026, Kim wrote:\n\n" + ORIGINAL,
        "No.\n> > DEAR ALL, we offer you the seven pumps",
    ],
    ids=["marks", "rule", "header block", "attribution", "deeper"],
)
def test_a_quote_is_found_however_it_is_marked_and_wrapped(body: str):
    assert quotes(body, ORIGINAL)


@pytest.mark.parametrize(
    "body", ["", "No.", "> something that nobody ever said here", ORIGINAL], ids=["empty", "none", "other", "unmarked"]
)
def test_what_is_not_quoted_is_no_quote(body: str):
    """The same words in a new text are no quote of it."""
    assert not quotes(body, ORIGINAL)


def test_a_short_original_must_be_quoted_as_a_whole():
    assert quotes("No.\n> Call me!", "Call me!")
    assert not quotes("No.\n> Call you!", "Call me!")
    assert not quotes("> x", "")


def test_texts_of_megabytes_are_compared_by_their_beginning():
    assert len(quoted("> y\n" * 2_000_000)) <= LOOKED_AT
    assert not quotes("> y\n" * 2_000_000, "z " * 2_000_000)


@pytest.mark.parametrize(("now", "changed"), [("AW: Re[2]: offer", False), ("[list] Offer", False), ("Invoice", True)])
def test_marks_change_no_subject(now: str, changed: bool):  # noqa: FBT001
    assert changed == subject_changed(normalise_subject(now), normalise_subject("Re: Offer"))


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_can_be_compared(body, original):
    """No text fails, and a text that quotes nothing quotes no other one."""
    assert quoted(body) or not quotes(body, original)
