"""What ``mailweave alias`` lists, and what it refuses before anything is sent."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.component.cli.conftest import Desk, Insert

pytestmark = pytest.mark.component

SEEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def seen(desk: Desk, insert: Insert) -> Desk:
    """Three mails under one address of Anna, one under another."""
    for address, mails in (("a.smith@own.example", 3), ("rare@own.example", 1)):
        for _ in range(mails):
            insert(
                "resolver.alias_sighting", address=address, type="user", id="anna", message_key=uuid4(), seen=SEEN
            )  # fmt: skip
    return desk


def test_what_is_proposed_is_listed_and_the_rest_when_asked_for(seen: Desk):
    assert ["a.smith@own.example"] == [one["address"] for one in seen.json("alias", "list")]
    assert [("proposed", 3), ("seen", 1)] == [(a["state"], a["mails"]) for a in seen.json("alias", "list", "--all")]
    assert "a.smith@own.example: user/anna, 3 mails, proposed.\n1 address.\n" == seen.run("alias", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("confirm", "never@own.example", "user/anna"), "no mail came to user/anna"),
        (("confirm", "a.smith@own.example", "user/ben"), "no mail came to user/ben"),
        (("dismiss", "never@own.example", "user/anna"), "no mail came to user/anna"),
        (("remove", "a.smith@own.example", "user/anna"), "is not confirmed"),
        (("confirm", "half-\udcff@own.example", "user/anna"), "no mail came to user/anna"),
        (("confirm", "a.smith@own.example", "anna"), "names no record"),
        (("confirm", "a.smith@own.example", "user/anna", "--author", " "), "--author: say who"),
        (("confirm", "a.smith@own.example", "user/anna", "--reason", ""), "--reason: say why"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_what_makes_no_sense_is_refused_at_once(seen: Desk, arguments: tuple[str, ...], why: str):
    result = seen.run("alias", *(arguments if "--reason" in arguments else (*arguments, "--reason", "r")))

    assert (2, True) == (result.exit_code, why in result.stderr), result.stderr
