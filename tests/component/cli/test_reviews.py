"""What ``review`` shows, closes and refuses."""

from uuid import UUID

import pytest

from tests.component.cli import rows
from tests.component.cli.conftest import Desk, Insert

pytestmark = pytest.mark.component


def question(desk: Desk, insert: Insert, *, mailboxes: int = 1) -> tuple[UUID, UUID]:
    """A mail of which each delivery asks whether it belongs to another one; returns both."""
    target = rows.message(desk, insert, "root@x.example")
    key = rows.message(desk, insert, "eves@x.example")
    for number in range(mailboxes):
        delivery = rows.fetched(insert, uid=number + 1)
        rows.arrived(insert, delivery, key, uid=number + 1)
        rows.decided(insert, delivery, "NotAccepted", correlated=target)
        insert(
            "resolver.review", delivery_id=delivery, version=1, kind="unverified", target=target, confidence=0.99,
            why="the sender does not belong to the conversation", state="open",
        )  # fmt: skip
    return key, target


def test_a_question_is_listed_once_whatever_the_number_of_deliveries(desk: Desk, insert: Insert):
    question(desk, insert, mailboxes=3)

    (one,) = desk.json("review", "list")
    assert ("eves@x.example", "root@x.example", "root@x.example", "unverified", "open") == tuple(
        one[name] for name in ("message_id", "target", "linked_to", "kind", "state")
    )
    shown = desk.run("review", "list").stdout
    assert "<eves@x.example> and <root@x.example>: unverified, 0.99." in shown
    assert "1 review." in shown


def test_an_answer_closes_all_deliveries_questions_and_keeps_who_and_why(desk: Desk, insert: Insert):
    question(desk, insert, mailboxes=3)

    assert 0 == desk.run("review", "dismiss", "eves@x.example", "root@x.example", "--reason", "no\x1bbody").exit_code

    assert [] == desk.json("review", "list")
    (one,) = desk.json("review", "list", "--state", "dismissed")
    assert ("dismissed", "no\x1bbody", True) == (one["state"], one["reason"], bool(one["author"] and one["answered"]))
    assert "dismissed it (no?body)" in desk.run("review", "list", "--state", "any").stdout
    again = desk.run("review", "dismiss", "eves@x.example", "root@x.example", "--reason", "r")
    assert (2, True) == (again.exit_code, "nothing is asked" in again.stderr)


def test_what_ids_cannot_tell_apart_is_not_confirmed(desk: Desk, insert: Insert):
    question(desk, insert)
    rows.message(desk, insert, "root@x.example", flagged=True)

    result = desk.run("review", "confirm", "eves@x.example", "root@x.example", "--reason", "r")

    assert (2, True) == (result.exit_code, "several messages have the id" in result.stderr), result
    assert ["open"] == [one["state"] for one in desk.json("review", "list")]
