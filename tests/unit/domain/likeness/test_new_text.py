"""What is new in a reply, apart from quoted text and signature."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.likeness.new_text import new_text

WROTE = "On Tue, 3 Mar 2026 at 10:15, Bob Stone <bob@example.net> wrote:\n"
HEADERS = "From: Bob <bob@example.net>\nSent: Tuesday, 3 March 2026 10:15\nTo: Ada\nSubject: Offer\n\nHere it is.\n"

CASES = {
    "a letter": ("Hello,\n\nthree: one > two\n", "Hello,\n\nthree: one > two"),
    "a marked quote": (f"Thanks!\n\n{WROTE}\n> Here it is.\n", "Thanks!"),
    "a folded attribution": ("Yes.\n\nOn 2026-03-03, Bob\n<bob@example.net>\nwrote:\n\n> Well?\n", "Yes."),
    "answers between quotes": (f"{WROTE}> One?\n\nYes.\n\n> Two?\n\nNo.\n", "Yes.\n\n\nNo."),
    "a quote without marks": (f"Thanks!\n\n{WROTE}\nHere it is.\n", "Thanks!"),
    "a header block": (f"Thanks!\n\n________________\n{HEADERS}", "Thanks!"),
    "a rule": (f"Thanks!\n\n-----Original Message-----\n{HEADERS}", "Thanks!"),
    "a forward alone": (f"---------- Forwarded message ----------\n{HEADERS}", ""),
    "a signature": ("Thanks!\n-- \nAda\nOwn Ltd\n", "Thanks!"),
    "a signature below the quote": (f"Thanks!\n\n{WROTE}> Here.\n\n-- \nAda\n", "Thanks!"),
    "a device": ("Thanks!\n\nSent from my iPhone\n", "Thanks!"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_the_new_text_is_what_the_author_has_written(text: str, expected: str):
    assert expected == new_text(text)


@given(st.text(alphabet=">|-_ \n\tab@<:.1", max_size=400))
def test_the_new_text_is_made_of_lines_of_the_text_in_their_order(text: str):
    lines = iter(text.split("\n"))

    for line in new_text(text).splitlines():
        assert any(line.strip() == one.strip() for one in lines)


@pytest.mark.parametrize("piece", [">", ">\n", "\n\n>", "--\n", "On 12:30 <a@b> wrote", "From: x\n", "12:30 a\n>q\n"])
def test_an_endless_text_of_one_piece_is_read(piece: str):
    """Each piece is one on which some way of splitting takes quadratic time."""
    new_text(piece * (1_000_000 // len(piece)))


def test_ten_million_marks_are_a_quote():
    assert "" == new_text(">" * 10_000_000)
