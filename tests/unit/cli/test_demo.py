"""The demonstration's material is complete and harmless, and its story says what was decided."""

import json
import re
from typing import Any

import pytest

from services.cli.demo import material, story
from services.settings.models import validate

POSTS = material.posts()
RAW = {post.name: post.raw for post in POSTS}


def test_every_mail_is_delivered_and_every_delivery_has_its_mail():
    assert {path.stem for path in material.MAILS.glob("*.eml")} == set(RAW)
    assert set(material.OWNERS) == {post.mailbox for post in POSTS}


@pytest.mark.parametrize("name", sorted(RAW))
def test_every_address_is_invented(name):
    """Nobody's real domain appears (RFC 2606 keeps .example free)."""
    domains = re.findall(rb"[\w.-]+@([\w.-]+)", RAW[name])

    assert domains
    assert not [d for d in domains if not d.endswith(b".example")]


@pytest.mark.parametrize("name", sorted(RAW))
def test_line_ends_are_those_of_the_wire(name):
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", RAW[name])


def test_a_reply_is_delivered_before_the_mail_that_it_answers():
    first, *rest = POSTS
    answered = re.search(rb"^In-Reply-To: (<.+>)\r$", first.raw, re.MULTILINE)

    assert answered
    assert any(b"Message-ID: " + answered[1] in post.raw for post in rest)


def test_settings_and_directory_are_valid():
    for key, value in json.loads(material.SETTINGS.read_text("utf-8")).items():
        validate(key, value)
    for line in material.DIRECTORY.read_text("utf-8").splitlines():
        assert {"type", "id", "name", "addresses", "owner", "active"} == json.loads(line).keys()


def _delivery(**fields: Any) -> Any:
    accepts = {"kind": "filter", "value": "to 1", "points_to": "queue/support", "counts": True, "why": "takes all"}
    plain = {
        "mailbox": "support@own.example",
        "folder": "INBOX",
        "uid": 7,
        "outcome": "accepted",
        "accepted_by": {"type": "queue", "id": "support"},
        "activity_id": "a1",
        "evidence": [accepts],
        "rule": "",
        "reviews": [],
        "history": [],
    }
    return {**plain, **fields}


def _message(deliveries: list[Any]) -> Any:
    return {"message_id": "m@x.example", "flagged": False, "deliveries": deliveries}


REJECTION: dict[str, Any] = {
    "outcome": "NoCorrelationMatch",
    "accepted_by": None,
    "activity_id": None,
    "evidence": [],
    "forgotten_at": None,
}


def test_a_reason_is_told_once_with_what_was_decided_before():
    same = _delivery()
    deliveries = [_delivery(history=[same, {**same, **REJECTION}]), _delivery()]

    told = story.reasons([_message(deliveries)])

    assert ["a1"] == list(told)
    now, before = told["a1"]
    assert now.startswith("Accepted for queue support")
    assert before.startswith("Before that: ")
    assert "NoCorrelationMatch" in before


def test_only_what_was_not_filed_is_told_as_such():
    lines = list(story.unfiled([_message([_delivery(), _delivery(**REJECTION)])]))

    assert 1 == sum("m@x.example" in line for line in lines)
    assert any("NoCorrelationMatch" in line for line in lines)


def test_a_mail_without_an_id_has_none_to_ask_for():
    asked = story.ids_of(POSTS)

    assert len(set(asked)) == len(asked)
    assert len(RAW) - 2 == len(asked), "one mail has no Message-ID, and two share one"
