"""``mailweave dead`` on rows as a stage leaves them."""

from datetime import UTC, datetime

import pytest

from services.runtime.dead_letters import DeadLetters
from services.runtime.records import Input, Rejected
from services.storage.postgres import Database

HEADERS = {"origin-time": b"2026-11-27T12:00:00+00:00", "backfill": b"1"}


@pytest.fixture
def letters(desk):
    """Three dead letters of the correlator, one of the resolver."""
    for stage, topic, offsets, code in (
        ("correlator", "mail-received", (17, 18, 19), "undecodable_record"),
        ("resolver", "mail-correlated", (5,), "handler_error"),
    ):
        database = Database(desk.config.postgres, stage)
        rejects = [Rejected(Input(topic, 3, n, b"key", b"value %d" % n, HEADERS), code, "why") for n in offsets]
        DeadLetters(database, stage).write(rejects, len(rejects))
        database.close()
    return desk


def outbox(desk, stage="correlator", topic="mail-received"):
    query = f"SELECT key, value, headers FROM {stage}.outbox WHERE topic = %s ORDER BY id"
    return desk.owner.execute(query, (topic,)).fetchall()


def test_they_are_listed_by_what_is_asked_for(letters):
    assert len(letters.json("dead", "list")) == 4
    assert {"resolver"} == {one["stage"] for one in letters.json("dead", "list", "--code", "handler_error")}
    assert "mail-received/3/17" in letters.run("dead", "list", "--stage", "correlator").output
    assert "More than 2" in letters.run("dead", "list", "--limit", "2").output


def test_one_is_shown_with_its_headers_and_why_it_cannot_be_read(letters):
    (shown,) = letters.json("dead", "show", "mail-received/3/17")

    assert (shown["code"], shown["state"], shown["headers"]["backfill"]) == ("undecodable_record", "open", "1")
    assert b"value 17".hex() in shown["undecodable"]


def test_a_replay_sends_the_record_as_it_came_once_and_says_so(letters):
    done = letters.run("dead", "replay", "mail-received/3/17", "--reason", "mended")
    again = letters.run("dead", "replay", "mail-received/3/17")

    assert (done.exit_code, again.exit_code) == (0, 1)
    headers = {name: value.decode() for name, value in HEADERS.items()}
    assert outbox(letters) == [(b"key", b"value 17", {**headers, "replay-of": "mail-received/3/17"})]
    (shown,) = letters.json("dead", "show", "mail-received/3/17")
    assert (shown["state"], shown["actions"][0]["reason"]) == ("replayed", "mended")


def test_all_of_a_code_are_sent_again_and_the_alert_is_told_when_none_is_left(letters):
    letters.run("dead", "replay", "mail-received/3/17")
    before = len(outbox(letters, topic="alert-signals"))

    assert "2 records" in letters.run("dead", "replay", "--code", "undecodable_record").output

    assert len(outbox(letters)) == 3
    assert len(outbox(letters, topic="alert-signals")) == before + 1
    assert [o["which"] for o in letters.json("dead", "list")] == ["mail-correlated/3/5"]


def test_one_is_given_up_with_a_reason_and_taken_back(letters):
    assert letters.run("dead", "discard", "mail-correlated/3/5", "--reason", "spam").exit_code == 0
    assert letters.run("dead", "replay", "mail-correlated/3/5").exit_code == 1
    assert letters.run("dead", "replay", "mail-correlated/3/5", "--again").exit_code == 0

    (shown,) = letters.json("dead", "show", "mail-correlated/3/5")
    assert [a["action"] for a in shown["actions"]] == ["discarded", "replayed"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("replay",), "--all-open"),
        (("replay", "mail-received/3/17", "--all-open"), "--all-open"),
        (("replay", "mail-received/3/99"), "no dead letter"),
        (("replay", "nonsense"), "TOPIC/PARTITION/OFFSET"),
        (("replay", "--code", "no_such"), "no such open dead letter"),
        (("replay", "--all-open", "--again"), "--again"),
        (("discard", "--all-open", "--reason", " "), "--reason"),
        (("discard", "mail-received/3/17"), "--reason"),
        (("show", "a/b/c"), "TOPIC/PARTITION/OFFSET"),
    ],
)
def test_what_makes_no_sense_is_refused(letters, arguments, says):
    result = letters.run("dead", *arguments)

    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert says in result.output


def test_one_that_dies_again_says_which_one_it_was(letters):
    given = Input("mail-received", 1, 40, b"key", b"value 17", {"replay-of": b"mail-received/3/17"})
    database = Database(letters.config.postgres, "correlator")
    DeadLetters(database, "correlator").write([Rejected(given, "undecodable_record", "why")], 1)
    database.close()

    (shown,) = letters.json("dead", "show", "mail-received/1/40")
    assert shown["replay_of"] == "mail-received/3/17"
    assert datetime.fromisoformat(shown["failed"]) <= datetime.now(UTC)
