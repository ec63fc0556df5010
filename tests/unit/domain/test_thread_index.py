"""The Thread-Index of Outlook and Exchange."""

import base64
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.evidence import Kind
from services.domain.identity import NAMESPACE
from services.domain.thread_index import MOST_BLOCKS, decode, gather, nearness

GUID = bytes(range(1, 17))
RESERVED = bytes.fromhex("0101da71727c") + GUID
PLAIN = bytes.fromhex("01da71727c81") + GUID
BLOCK = bytes.fromhex("0012345678")


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def key(what: str, text: str) -> UUID:
    return uuid5(NAMESPACE, what + text)


@pytest.mark.parametrize("root", [RESERVED, PLAIN], ids=["reserved-byte", "six-bytes-of-time"])
def test_both_layouts_have_the_same_root(root):
    index = decode(encoded(root + 2 * BLOCK))

    assert index is not None
    assert (root, root + 2 * BLOCK) == (index.root, index.value)


@pytest.mark.parametrize(
    "text",
    ["", "x", "AdoF", "not base64!", "ÄÖÜ" * 20, encoded(PLAIN[:21]), encoded(PLAIN[:6] + bytes(16))],
)
def test_a_malformed_value_is_no_evidence(text):
    assert () == gather(text, key=key)


def test_the_evidence_points_at_the_root_and_says_the_whole():
    folded = encoded(PLAIN + BLOCK)

    (piece,) = gather(folded[:20] + "\r\n " + folded[20:], key=key)

    assert (Kind.THREAD_INDEX, key("thread-index", PLAIN.hex())) == (piece.kind, piece.target)
    assert (PLAIN + BLOCK).hex() == piece.value


def test_half_a_block_and_hostile_depth_are_cut():
    half = decode(encoded(PLAIN + BLOCK[:3]))
    assert half is not None
    assert half.value == PLAIN

    (piece,) = gather(encoded(PLAIN + 100_000 * BLOCK), key=key)
    assert len(piece.value) <= 2 * (22 + 5 * MOST_BLOCKS)


def test_the_mail_that_was_answered_is_nearest_and_no_answer_stands_above():
    parent, mine = (PLAIN + BLOCK).hex(), (PLAIN + 2 * BLOCK).hex()
    root, sibling = PLAIN.hex(), (PLAIN + bytes(5)).hex()

    above = [one for one in (root, sibling, parent, mine, mine + BLOCK.hex()) if nearness(mine, one) is not None]

    assert [parent, root, sibling] == sorted(above, key=lambda one: nearness(mine, one) or (False, 0, ""), reverse=True)


VALUES = st.lists(st.sampled_from([b"\0" * 5, BLOCK, b"\xff" * 5]), max_size=4).map(
    lambda blocks: (PLAIN + b"".join(blocks)).hex()
)


@given(VALUES, VALUES)
def test_no_two_mails_stand_above_each_other(one, other):
    """For all values: at most one of the two ways holds, so no circle closes."""
    assert nearness(one, other) is None or nearness(other, one) is None


@given(st.binary(max_size=100), st.text(max_size=60))
def test_any_bytes_are_decoded_or_refused(raw, text):
    """No value fails, whatever stands in the header."""
    index = decode(encoded(raw))

    assert index is None or raw.startswith(index.value)
    decode(text)
