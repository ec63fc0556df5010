"""Identity never depends on order or on who writes first."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.identity import (
    Direction,
    Identity,
    activity_id,
    author,
    canonical_id,
    canonical_ids,
    delivery_id_imap,
    delivery_id_import,
    delivery_id_pushed,
    identity,
    keyed_hash,
    synthetic_id,
)
from services.domain.message import Mailbox, MessageId
from tests.messages import message


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<A.b@EX.Example>", "A.b@ex.example"),
        ("  <a@x>\r\n", "a@x"),
        ("<a\r\n @x>", "a@x"),
        ("a@x (comment)", "a@x"),
        ("no-at-sign", "no-at-sign"),
        ("<>", None),
        ("", None),
        ("<@>", None),
        ("<" + "a" * 999 + "@x>", None),
    ],
)
def test_an_id_has_one_canonical_form(raw, expected):
    assert expected == canonical_id(raw)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["<a@x><b@Y>"], ("a@x", "b@y")),
        (["<a@x> <a@x> <b@x>"], ("a@x", "b@x")),
        (["Message from Kim of Monday"], ()),
        (['"Kim" <kim@x.example> "of Monday" <id@x.example>'], ("kim@x.example", "id@x.example")),
        (["a@x b@x"], ("a@x", "b@x")),
        (["<a@x>", "<b@x>"], ("a@x", "b@x")),
    ],
)
def test_lists_of_ids_are_split_and_freed_of_repeats(values, expected):
    assert expected == canonical_ids(values)


@given(st.text())
def test_canonical_is_final(raw):
    once = canonical_id(raw)

    assert once is None or canonical_id(f"<{once}>") == once or ">" in once or "<" in once


def test_the_fingerprint_is_of_author_and_instant_only():
    berlin = datetime(2026, 5, 4, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    one = message(from_=(Mailbox("Kim", "KIM@x.example"),), date=berlin, subject="a")
    same = message(from_=(Mailbox("", "kim@X.example"),), date=datetime(2026, 5, 4, 10, 0, tzinfo=UTC), subject="b")
    other = message(from_=(Mailbox("Kim", "mallory@x.example"),), date=berlin)

    assert identity(one) == identity(same)
    assert identity(one) != identity(other)


def test_a_list_that_rewrote_from_does_not_change_the_fingerprint():
    plain = message(from_=(Mailbox("Kim", "kim@x.example"),))
    listed = message(
        from_=(Mailbox("Kim via Announce", "announce@list.example"),),
        reply_to=(Mailbox("Kim", "kim@x.example"),),
        headers=(("list-id", "<announce.list.example>"), ("list-post", "<mailto:announce@list.example>")),
    )

    assert identity(plain) == identity(listed)


def test_from_is_believed_when_no_list_header_is_there():
    forged = message(from_=(Mailbox("Kim via X", "m@evil.example"),), reply_to=(Mailbox("", "kim@x.example"),))

    assert author(forged) == "m@evil.example"


def test_a_mail_without_an_id_has_the_same_made_one_every_time():
    nameless = message(message_id=None, body_text="Hello\n\nKim")
    rewrapped = message(message_id=None, body_text="Hello Kim ")

    assert synthetic_id(nameless) == synthetic_id(rewrapped)
    assert synthetic_id(nameless).endswith("@synthetic")
    assert synthetic_id(nameless) != synthetic_id(message(message_id=None, body_text="Hello Lee"))


def test_ids_of_places_and_activities_are_fixed_for_ever():
    """These values are stored in databases: a change here orphans every row."""
    one = Identity(MessageId("a@x.example"), "00112233445566ff")

    assert "6354ad2e-ba8a-53e9-b915-04bb1bc6c9bc" == str(activity_id(one, Direction.INCOMING))
    assert activity_id(one, Direction.INCOMING) != activity_id(one, Direction.OUTGOING)
    assert delivery_id_imap("m@x", "INBOX", 1, 2) != delivery_id_imap("m@x", "INBOX", 2, 2)
    assert delivery_id_import("m@x", "INBOX", "ab", 0) != delivery_id_import("m@x", "INBOX", "ab", 1)
    assert "e41a138b-e21d-5c32-99ec-e2bfe1dc5537" == str(delivery_id_pushed("m@x", "ab"))
    assert 3 == len({delivery_id_pushed(*key) for key in (("m@x", "ab"), ("n@x", "ab"), ("m@x", "cd"))})


def test_keyed_hashes_tell_kinds_and_keys_apart():
    assert keyed_hash(b"k", "id", "a") == keyed_hash(b"k", "id", "a")
    assert 3 == len({keyed_hash(b"k", "id", "a"), keyed_hash(b"k", "message", "a"), keyed_hash(b"l", "id", "a")})
