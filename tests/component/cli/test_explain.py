"""What `mailweave explain` says of a message."""

from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.component.cli import rows

pytestmark = pytest.mark.component

LOOKED = {"kind": "in_reply_to", "value": "p@x", "points_to": None, "counts": False, "why": "no stored message has it"}


@pytest.mark.parametrize("written", ["a.b@x.org", "<a.b@x.org>", " <a.b@X.ORG> "])
def test_the_id_may_be_written_in_any_form(desk, insert, written):
    rows.whole_mail(desk, insert, "a.b@x.org")

    assert ["a.b@x.org"] == [e["message_id"] for e in desk.json("explain", written)]


def test_a_delivery_is_explained_with_evidence_versions_and_history(desk, insert):
    activity = rows.whole_mail(desk, insert, "a@x")
    (delivery,) = desk.owner.execute("SELECT id FROM fetcher.delivery").fetchone()
    desk.owner.execute("UPDATE resolver.decision SET version = 2, cause = 'target'")
    rows.decided(insert, delivery, "NoCorrelationMatch", current=False, evidence=Jsonb([LOOKED]))

    (found,) = desk.json("explain", "a@x")

    (one,) = found["deliveries"]
    assert {
        "id": str(delivery), "mailbox": "q@example.org", "folder": "INBOX", "uidvalidity": 7, "uid": 1,
        "direction": "incoming", "outcome": "accepted", "accepted_by": {"type": "queue", "id": "q1"},
        "activity_id": str(activity), "method": "None", "evidence": [rows.FILTER], "settings_version": 3,
        "rule": "", "confidence": 0.0, "effect": "", "verified": True, "reviews": [], "kind": "",
        "graph_version": 1, "code_version": "0.1.0", "decided_at": "2026-03-01T12:30:00Z", "cause": "target",
        "receiving_mailbox": None, "asked": None, "forgotten_at": None,
    } == {name: value for name, value in one.items() if name != "history"}  # fmt: skip
    assert [("NoCorrelationMatch", [LOOKED], "arrival")] == [
        (h["outcome"], h["evidence"], h["cause"]) for h in one["history"]
    ]
    text = desk.run("explain", "a@x").stdout
    assert "Accepted for queue q1 because its filter takes all messages." in text
    assert "Earlier, 2026-03-01T12:30:00Z (arrival): Not filed" in text


def test_what_a_decision_asks_a_person_is_told(desk, insert):
    rows.whole_mail(desk, insert, "a@x")
    key = rows.message(desk, insert, "other@x")
    (delivery,) = desk.owner.execute("SELECT id FROM fetcher.delivery").fetchone()
    desk.owner.execute("UPDATE resolver.decision SET rule = 'direct-parent', confidence = 1, effect = 'joins'")
    insert(
        "resolver.review", delivery_id=delivery, version=1, kind="contradiction", target=key, confidence=0.99,
        why="two records",
    )  # fmt: skip

    (found,) = desk.json("explain", "a@x")

    asked = {
        "kind": "contradiction",
        "message_id": "other@x",
        "confidence": 0.99,
        "why": "two records",
        "state": "open",
    }
    assert [asked] == found["deliveries"][0]["reviews"]
    text = desk.run("explain", "a@x").stdout
    assert "The rule direct-parent decided with confidence 1.00: joins." in text
    assert "To review (contradiction, open) <other@x>: two records." in text


def test_a_rejection_that_is_forgotten_says_so_in_words(desk, insert):
    rows.arrived(insert, delivery := rows.fetched(insert), rows.message(desk, insert, "a@x"))
    rows.decided(insert, delivery, "NoCorrelationMatch", evidence=Jsonb([]))
    desk.owner.execute("UPDATE resolver.decision SET forgotten = '2026-06-01T00:00:00Z'")

    (found,) = desk.json("explain", "a@x")

    (one,) = found["deliveries"]
    assert ("NoCorrelationMatch", [], "2026-06-01T00:00:00Z") == (one["outcome"], one["evidence"], one["forgotten_at"])
    text = desk.run("explain", "a@x").stdout
    assert "none of their filters took it (NoCorrelationMatch)." in text
    assert "What was looked at is forgotten since 2026-06-01T00:00:00Z, as monitor.itemRetentionDays has it." in text


def test_what_the_parser_mended_is_told(desk, insert):
    rows.whole_mail(desk, insert, "a@x")
    desk.owner.execute("UPDATE resolver.activity SET repairs = '{date-unparseable}'")

    assert [["date-unparseable"]] == [e["repairs"] for e in desk.json("explain", "a@x")]
    assert "mended on reading: date-unparseable." in desk.run("explain", "a@x").stdout


def test_two_messages_with_one_id_are_two_objects(desk, insert):
    for uid in (1, 2):
        key = rows.message(desk, insert, "a@x", flagged=True)
        delivery = rows.fetched(insert, uid=uid)
        rows.arrived(insert, delivery, key, uid=uid)
        rows.decided(insert, delivery, "NoRecipientMatch")

    assert [True, True] == [e["flagged"] for e in desk.json("explain", "a@x")]
    assert "Flagged" in desk.run("explain", "a@x").stdout


def test_a_delivery_without_decision_is_explained_as_such(desk, insert):
    rows.arrived(insert, rows.fetched(insert), rows.message(desk, insert, "a@x"))

    (found,) = desk.json("explain", "a@x")

    assert (None, []) == (found["deliveries"][0]["outcome"], found["deliveries"][0]["history"])
    assert "Not decided yet" in desk.run("explain", "a@x").stdout


def test_an_erased_message_is_still_found_by_its_id(desk, insert):
    rows.whole_mail(desk, insert, "a@x")
    desk.owner.execute("UPDATE resolver.message SET message_id = NULL")

    assert [None] == [e["message_id"] for e in desk.json("explain", "a@x")]


def test_an_unknown_id_is_said_to_be_unknown(desk):
    result = desk.run("explain", "nobody@x")

    assert (2, "") == (result.exit_code, result.stdout)
    assert "no mail with the id <nobody@x> has come in. `mailweave activities --json` shows" in result.stderr


def test_what_earlier_stages_know_of_an_id_is_said(desk, insert):
    insert("correlator.edge", child=uuid4(), target=desk.id_key("ghost@x"), kind="references", position=0)
    insert(
        "correlator.dead_letter", topic="mail-received", partition=0, offset=4, code="undecodable_record",
        detail="no marker", key=b"dead@x",
    )  # fmt: skip
    insert(
        "correlator.message", message_key=uuid4(), id_key=desk.id_key("late@x"), thread=1, version=1, truncated=False
    )

    assert "but 1 message points at it" in desk.run("explain", "ghost@x").stderr
    assert "mail-received/0/4: undecodable_record, no marker" in desk.run("explain", "dead@x").stderr
    assert "is not decided yet" in desk.run("explain", "late@x").stderr


def test_what_is_no_id_is_refused(desk):
    result = desk.run("explain", "<>")

    assert 2 == result.exit_code
    assert "is no Message-ID" in result.stderr


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param("case/1", "has come in. `mailweave activities --json`", id="record"),
        pytest.param("\x1b[2J@x", "<[2J@x>", id="hostile"),
        pytest.param("0f0e0d0c-0000-4000-8000-000000000000", "has come in", id="unknown-uuid"),
        pytest.param("x" * 5000, "is no Message-ID", id="long"),
    ],
)
def test_what_names_no_mail_is_refused_with_what_to_do(desk, given, says):
    result = desk.run("explain", given)

    assert (2, "", True) == (result.exit_code, result.stdout, says in result.stderr), result.stderr


def test_the_id_of_an_activity_is_told_from_that_of_its_mail(desk, insert):
    activity = rows.whole_mail(desk, insert, "a@x")
    result = desk.run("explain", str(activity))

    assert 2 == result.exit_code
    assert "is the id of an activity or delivery. Give its Message-ID: <a@x>." in result.stderr


def test_what_was_left_out_of_a_mail_is_told(desk, insert):
    activity = rows.whole_mail(desk, insert, "a@x")
    insert(
        "resolver.dropped_attachment", activity_id=activity, path="2", name="a.exe", type="application/pdf", size=9,
        sha256=b"\xab" * 32, content_id="", inline=False, reason="BlockedName", detail="exe",
    )  # fmt: skip

    left_out = {
        "name": "a.exe", "type": "application/pdf", "size": 9, "sha256": "ab" * 32,
        "reason": "BlockedName", "detail": "exe",
    }  # fmt: skip
    assert [[left_out]] == [e["dropped_attachments"] for e in desk.json("explain", "a@x")]
    assert [[left_out]] == [a["dropped_attachments"] for a in desk.json("activities")]
    assert "Not attached: a.exe (9 bytes): attachments.blocked names .exe." in desk.run("explain", "a@x").stdout
    assert "not attached: a.exe (9 bytes): attachments.blocked names .exe" in desk.run("activities").stdout
