"""What a server may say while a folder idles, and what is made of it."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.fetcher.idle_dialogue import LONGEST_LINE, MOST_BYTES, Dialogue, GivenUp, How, Step

LINES = [
    b"+ idling\r\n", b"* 3 EXISTS\r\n", b"* 4 EXISTS\r\n", b"* 1 EXPUNGE\r\n", b"* 0 RECENT\r\n", b"* OK x\r\n",
    b"* BYE\r\n", b"idle OK done\r\n", b"idle NO\r\n", b"* 2 FETCH (FLAGS ())\r\n", b"* VANISHED 1:3\r\n", b"\xff\r\n",
]  # fmt: skip


def idling(exists=3):
    dialogue = Dialogue(exists)
    assert b"idle IDLE\r\n" == dialogue.begin()
    dialogue.receive(b"+ idling\r\n")
    assert Step.IDLING is dialogue.step
    return dialogue


def outcome(dialogue, pieces):
    try:
        for piece in pieces:
            dialogue.receive(piece)
    except GivenUp as error:
        return error.how
    return dialogue.step, dialogue.changed


@pytest.mark.parametrize("line", [b"* 4 EXISTS", b"* 2 exists", b"* 1 EXPUNGE", b"* 1 RECENT", b"* VANISHED 300:310"])
def test_mails_that_come_or_go_are_a_change(line):
    dialogue = idling()
    dialogue.receive(line + b"\r\n")

    assert dialogue.changed


@pytest.mark.parametrize(
    "line",
    [b"* 3 EXISTS", b"* 0 RECENT", b"* OK Still here", b"* 2 FETCH (FLAGS (\\Seen))", b"* FLAGS (a)", b"+ again"],
)
def test_what_says_nothing_new_is_no_change(line):
    dialogue = idling()
    dialogue.receive(line + b"\r\n")

    assert (Step.IDLING, False) == (dialogue.step, dialogue.changed)


def test_one_mail_that_goes_and_one_that_comes_are_a_change():
    dialogue = idling()
    dialogue.receive(b"* 3 EXPUNGE\r\n")
    dialogue.changed = False
    dialogue.receive(b"* 3 EXISTS\r\n")

    assert dialogue.changed


def test_a_connection_takes_commands_when_done_is_answered():
    dialogue = idling()
    assert b"DONE\r\n" == dialogue.finish()
    dialogue.receive(b"* OK Still here\r\nidle OK")
    before = dialogue.step
    dialogue.receive(b" done\r\n")

    assert (Step.ENDING, Step.ENDED) == (before, dialogue.step)


@pytest.mark.parametrize(
    ("said", "how"),
    [
        (b"* BYE shutting down\r\n", How.LOST),
        (b"idle BAD what\r\n", How.REFUSED),
        (b"idle OK of my own accord\r\n", How.REFUSED),
        (b"what\r\n", How.PROTOCOL_ERROR),
        (b"x" * (LONGEST_LINE + 1), How.PROTOCOL_ERROR),
        (b"* OK\r\n" * (MOST_BYTES // 6 + 1), How.PROTOCOL_ERROR),
    ],
)
def test_a_connection_is_given_up(said, how):
    assert how == outcome(idling(), [said])


def test_what_begins_after_the_end_would_be_taken_for_the_next_answer():
    dialogue = idling()
    dialogue.finish()

    assert How.PROTOCOL_ERROR == outcome(dialogue, [b"idle OK done\r\n* 3 EX"])


@given(st.lists(st.sampled_from(LINES), max_size=8), st.lists(st.integers(0, 200), max_size=8), st.booleans())
@example([b"* 4 EXISTS\r\n", b"idle OK done\r\n"], [1, 5, 12, 13, 27], True)
def test_it_does_not_matter_how_the_bytes_are_cut(lines, cuts, done):
    """What is cut right after the end of a command is the exception: whether more comes cannot be known."""
    said = b"".join(lines)
    ends = sorted({0, len(said), *(cut for cut in cuts if cut < len(said))})
    pieces = [said[a:b] for a, b in pairwise(ends)]
    whole, cut = idling(), idling()
    if done:
        whole.finish()
        cut.finish()
    first, second = outcome(whole, [said]), outcome(cut, pieces)

    assert first == second or How.PROTOCOL_ERROR in (first, second)


@given(st.lists(st.binary(max_size=400), max_size=20))
def test_whatever_comes_it_goes_on_or_is_given_up(pieces):
    dialogue = idling()
    outcome(dialogue, pieces)

    assert LONGEST_LINE >= len(dialogue._waiting) or dialogue._got
