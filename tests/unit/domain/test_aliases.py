"""By which other names a message is known."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest

from services.domain.aliases import MOST_ALIASES, content, gather, original_ids
from services.domain.evidence import Kind
from services.domain.identity import NAMESPACE
from services.domain.message import Mailbox, MessageId
from tests.messages import message

OWN = MessageId("new@relay.example")
MAILBOX = "support@own.example"
ANNA = (Mailbox("Anna", "anna@own.example"),)


def key(what: str, text: str) -> UUID:
    return uuid5(NAMESPACE, what + text)


@pytest.mark.parametrize("name", ["x-gmail-original-message-id", "x-microsoft-original-message-id"])
def test_the_id_that_a_provider_replaced_is_an_alias(name: str):
    headers = ((name, "<Old@OWN.example>"), ("x-other", "<no@x>"), (name, f"<{OWN}>"))

    assert ("Old@own.example",) == original_ids(OWN, headers)
    (piece,) = gather(OWN, message(headers=headers), MAILBOX, "inbox", key=key)
    assert (Kind.ALIAS, key("id", "Old@own.example")) == (piece.kind, piece.target)


def test_a_hostile_list_of_former_ids_is_cut():
    header = "".join(f"<{n}@x>" for n in range(10_000))

    assert MOST_ALIASES == len(original_ids(OWN, (("x-gmail-original-message-id", header),)))


@pytest.mark.parametrize(
    ("author", "folder", "own"),
    [("anna@own.example", "inbox", True), ("kim@customer.example", "inbox", False), ("a@other.example", "sent", True)],
)
def test_only_own_mail_has_copies_under_other_ids(author: str, folder: str, own: bool):  # noqa: FBT001
    pieces = list(gather(OWN, message(from_=(Mailbox("", author),)), MAILBOX, folder, key=key))

    assert own == bool(pieces)


def test_copies_have_the_same_content_whatever_their_ids_say():
    one = message(from_=ANNA, message_id=MessageId("a@x"), body_text="Dear Kim,\nhere it is.")
    two = message(from_=ANNA, message_id=MessageId("b@y"), body_text="Dear Kim,  here it is.\n", references=("a@x",))

    assert content(one) == content(two)


@pytest.mark.parametrize(
    "other",
    [
        {"to": (Mailbox("", "lee@customer.example"),)},
        {"subject": "Hello again"},
        {"body_text": "Another text"},
        {"date": datetime(2026, 5, 4, 10, 0, 1, tzinfo=UTC)},
        {"from_": (Mailbox("", "ben@own.example"),)},
        {"in_reply_to": (MessageId("other@own.example"),)},
    ],
    ids=["recipient", "subject", "text", "second", "author", "answered"],
)
def test_mails_that_differ_are_no_copies(other):
    """A robot writes many mails in a second: what tells them apart is whom they are for, and what they say."""
    assert content(message(from_=ANNA)) != content(message(**{"from_": ANNA, **other}))


@pytest.mark.parametrize("lacking", [{"date": None}, {"from_": ()}, {"to": (), "cc": ()}])
def test_what_has_too_little_to_tell_it_apart_has_no_copies(lacking):
    assert "" == content(message(**lacking))
