"""The records that mail is filed under: several for one mail, by people, folders and answers, on a real database."""

from dataclasses import replace
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.domain.internal import InternalMail
from services.resolver import reading
from services.resolver.settings import Settings
from tests.component.resolver.conftest import Resolver, mail
from tests.component.resolver.test_merged_records import merging
from tests.component.resolver.test_redecide import ask

pytestmark = pytest.mark.component

ANNA, BEN = "anna@own.example", "ben@own.example"
RULES = {"folder-rule/a": RecordRef("account", "a"), "folder-rule/b": RecordRef("account", "b")}


@pytest.fixture
def r(resolver: Resolver) -> Resolver:
    resolver.settings = Settings(policy=Policy(version=1), mailbox_owners={}, options={}, rules=RULES)
    return resolver


def history(r: Resolver, name: str) -> list[tuple[str, str, str, str]]:
    return r.rows(
        "SELECT r.type || '/' || r.id, r.source, r.ended, r.ended_by FROM resolver.regarding r"
        " JOIN resolver.message m USING (message_key) WHERE m.message_id = %s ORDER BY r.number",
        f"{name}@x.example",
    )


def answers_to_commands(r: Resolver) -> list[tuple[str, str]]:
    return r.rows("SELECT refused, outcome FROM resolver.command ORDER BY applied, id")


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_two_people_file_one_mail_under_two_records_and_its_answer_has_both_whatever_came_first(r: Resolver, order):
    both = mail("one", to=f"{ANNA}, {BEN}")
    records = [
        r.record(both, mailbox=ANNA, folder="A", tracked_by="folder-rule/a"),
        r.record(both, mailbox=BEN, folder="B", tracked_by="folder-rule/b"),
        r.record(mail("two", answers=["one"])),
    ]
    for number in order:
        r.resolve(records[number])
        r.jobs()

    assert {
        "one": [("account/a", "folder"), ("account/b", "folder")],
        "two": [("account/a", "correlated"), ("account/b", "correlated")],
    } == r.regardings()
    last = {event["message_id"]: event for event in r.events()}
    assert ["a", "b"] == [one["id"] for one in last["two@x.example"]["regardings"]]
    assert {"type": "account", "id": "a", "source": "correlated"} == last["two@x.example"]["regarding"]
    assert [(ANNA, "folder-rule/a"), (BEN, "folder-rule/b")] == [
        (one["author"], one["why"]) for one in last["one@x.example"]["regardings"]
    ]


def test_what_a_person_adds_comes_first_and_every_answer_follows_also_a_later_one(r: Resolver):
    for name, answered in (("one", []), ("two", ["one"]), ("three", ["two"])):
        r.resolve(r.record(mail(name, answers=answered), tracked_by="" if answered else "folder-rule/a"))
    events = len(r.events())
    r.regarding("case/7", "two")
    r.jobs()
    r.resolve(r.record(mail("late", answers=["three"])))

    own = [("case/7", "manual"), ("account/a", "correlated")]
    after = [("case/7", "correlated"), ("account/a", "correlated")]
    assert {"one": [("account/a", "folder")], "two": own, "three": after, "late": after} == r.regardings()
    told = [(one["message_id"].partition("@")[0], one["reasons"]) for one in r.events()[events:]]
    assert [("two", ["regarding"]), ("three", ["regarding"]), ("late", ["created"])] == told
    assert ("mira", "she knows") == tuple(r.events()[events]["regardings"][0][name] for name in ("author", "why"))


def test_what_a_person_takes_away_stays_away_and_answers_follow(r: Resolver):
    for name, answered in (("one", []), ("two", ["one"]), ("three", ["two"])):
        r.resolve(r.record(mail(name, answers=answered), tracked_by="" if answered else "folder-rule/a"))
    r.regarding("account/a", "two", take=True)
    r.jobs()
    assert {"one": [("account/a", "folder")]} == r.regardings()

    r.regarding("case/7", "one")
    r.jobs()
    r.resolve(r.record(mail("late", answers=["three"])))
    assert [("case/7", "correlated")] == r.regardings()["two"] == r.regardings()["three"] == r.regardings()["late"]
    assert [("account/a", "correlated", "person", "mira"), ("case/7", "correlated", "", "")] == history(r, "two")


def test_neither_its_folder_nor_deciding_again_files_it_where_a_person_has_taken_it_away(r: Resolver):
    record = r.record(mail("one"), tracked_by="folder-rule/a")
    r.resolve(record)
    r.regarding("account/a", "one", take=True)
    r.jobs()
    r.resolve(r.record(mail("one"), folder="Copy", tracked_by="folder-rule/a"))
    ask(r)
    r.jobs()
    assert {} == r.regardings()

    r.regarding("account/a", "one")
    assert {"one": [("account/a", "manual")]} == r.regardings()
    assert [("account/a", "folder", "person", "mira"), ("account/a", "manual", "", "")] == history(r, "one")


def test_16_in_the_products_way_nobody_takes_away_what_a_folder_gives(r: Resolver):
    r.settings = replace(r.settings, policy=replace(r.settings.policy, folder_wins=True))
    r.resolve(r.record(mail("one"), tracked_by="folder-rule/a"))
    r.regarding("case/7", "one")
    r.regarding("account/a", "one", take=True)

    assert {"one": [("account/a", "folder"), ("case/7", "manual")]} == r.regardings()
    assert "folderWins" in answers_to_commands(r)[1][0]


def test_a_command_that_comes_again_changes_nothing_and_one_without_sense_says_why(r: Resolver):
    r.directory({"type": "account", "id": "gone", "deleted": True})
    r.resolve(r.record(mail("one")))
    again = str(uuid4())
    r.regarding("case/7", "one", id=again)
    state, events = r.dump(), len(r.events())
    r.regarding("case/7", "one", id=again, take=True)
    assert (state, events) == (r.dump(), len(r.events()))

    r.regarding("case/7", "one")
    r.regarding("case/8", "one", take=True)
    r.regarding("case/8", "one", object="message/never@x.example")
    r.regarding("account/gone", "one")
    assert (state, events) == (r.dump(), len(r.events()))
    assert [
        ("", "filed under case 7"),
        ("a person has filed it under this record already", ""),
        ("it is not filed under this record", ""),
        ("the mail is not filed", ""),
        ("the directory has account gone no longer", ""),
    ] == answers_to_commands(r)


def test_where_two_mails_have_one_id_a_person_names_the_activity(r: Resolver):
    r.resolve(r.record(mail("one")), r.record(mail("one", From="Else <else@y.example>")))
    r.regarding("case/7", "one", object="message/<one@x.example>")

    assert {("several mails have this id: name the activity instead, see `mailweave activities --json`", "")} == {
        *answers_to_commands(r)
    }
    assert {} == r.regardings()


def test_a_record_that_was_merged_is_named_by_what_it_has_become_and_is_there_once(r: Resolver):
    r.directory({"type": "account", "id": "a"}, {"type": "account", "id": "b"})
    r.resolve(r.record(mail("one")), r.record(mail("two")), r.record(mail("three")))
    for name, record in (("one", "account/a"), ("one", "account/b"), ("two", "account/a"), ("three", "account/a")):
        r.regarding(record, name)
    r.regarding("account/a", "three", take=True)
    r.directory({"type": "account", "id": "a", "deleted": True, "merged_into": "b"})
    merging(r)
    r.regarding("account/a", "three")

    assert {name: [("account/b", "manual")] for name in ("one", "two", "three")} == r.regardings()
    assert {"b"} == {row for (row,) in r.rows("SELECT regarding_id FROM resolver.activity")}


def test_a_record_that_is_merged_while_it_is_named_is_named_by_what_it_becomes(r: Resolver, monkeypatch):
    r.directory({"type": "account", "id": "a"}, {"type": "account", "id": "b"})
    r.resolve(r.record(mail("one")))
    lock = reading.lock

    def merged_first(*given: Any) -> str:
        monkeypatch.setattr(reading, "lock", lock)
        r.directory({"type": "account", "id": "a", "deleted": True, "merged_into": "b"})
        merging(r)
        return lock(*given)

    monkeypatch.setattr(reading, "lock", merged_first)
    r.regarding("account/a", "one")

    assert {"one": [("account/b", "manual")]} == r.regardings()


def test_what_a_person_took_away_stays_away_where_the_mail_ends_in_the_outgoing_one(r: Resolver):
    r.settings = replace(
        r.settings, policy=Policy(version=1, force_users=0, internal=InternalMail(two_activities=False))
    )
    r.resolve(r.record(mail("root", to=ANNA), tracked_by="folder-rule/a"))
    answer = mail("two", to=BEN, answers=["root"], From=f"Anna <{ANNA}>")
    r.resolve(r.record(answer, mailbox=BEN))
    r.jobs()
    r.regarding("account/a", "two", take=True)
    r.resolve(r.record(answer, mailbox=ANNA, folder="Sent"))
    r.jobs()

    assert [("outgoing",)] == r.rows(
        "SELECT direction FROM resolver.activity JOIN resolver.message USING (message_key)"
        " WHERE message_id = 'two@x.example'"
    )
    assert {"root": [("account/a", "folder")]} == r.regardings()


def test_what_is_no_command_for_activities_is_rejected_or_left_to_others(r: Resolver):
    r.resolve(r.record(mail("one")))
    wrong: list[dict[str, Any]] = [
        {"record": ""}, {"record": "case/"}, {"object": "mailbox/x"}, {"object": "activity/7"}, {"id": "7"},
        {"record": "case/7\0"}, {"reason": "a\0b"},
    ]  # fmt: skip
    for fields in wrong:
        assert 1 == len(r.regarding("case/1", "one", **fields).rejects), fields
    assert 0 == len(r.regarding("case/1", "one", kind="unlink").rejects)
    assert {} == r.regardings()
