"""A mail that came under two ids: what people, folders and switches say of either id counts for its one activity."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.domain.identity import keyed_hash
from services.domain.internal import InternalMail
from services.resolver import reading
from services.resolver.settings import Settings
from services.storage.reports import regardings as reports
from tests.component.resolver.conftest import KEY, Resolver, mail
from tests.component.resolver.test_mail_under_two_ids import (
    ANNA,
    BEN,
    SUPPORT,
    copy,
    filed,
    one_by_one,
    redecide,
    renamed,
)

pytestmark = pytest.mark.component

RULES = {"folder-rule/a": RecordRef("account", "a")}


@pytest.fixture
def r(resolver: Resolver) -> Resolver:
    policy = Policy(version=1, force_users=0)
    resolver.settings = Settings(policy=policy, mailbox_owners={}, options={}, rules=RULES)
    return resolver


def two(r: Resolver, *, rule_of_elder: str = "") -> None:
    """One mail, in Anna's mailbox by its first id and in the queue's by its second."""
    first = r.record(copy("one"), mailbox=ANNA, tracked_by=rule_of_elder)
    one_by_one(r, [first, r.record(copy("two"), mailbox=SUPPORT)])
    assert {("accepted", "one")} == set(filed(r).values())


@pytest.mark.parametrize("named", ["one", "two", "ended"])
def test_a_person_may_name_it_by_either_id_or_by_the_activity_that_has_ended(r: Resolver, named: str):
    two(r)
    ((ended,),) = r.rows("SELECT activity_id FROM resolver.joined")
    r.regarding("case/7", "one", object=f"activity/{ended}" if named == "ended" else f"message/<{named}@x.example>")
    r.jobs()

    assert [("", "filed under case 7")] == r.rows("SELECT refused, outcome FROM resolver.command")
    assert {"one": [("case/7", "manual")]} == r.regardings()
    with psycopg.connect(r.url) as connection:
        assert 1 == reports.filed(connection, keyed_hash(KEY, "id", "two@x.example"))
        assert "one@x.example" == reports.message_of(connection, str(ended))


def test_a_word_about_one_that_ends_at_this_moment_counts_for_the_other(r: Resolver, monkeypatch):
    r.resolve(r.record(copy("one"), mailbox=ANNA))
    r.resolve(r.record(copy("two"), mailbox=SUPPORT))
    lock = reading.lock

    def joined_first(*given: Any) -> str:
        monkeypatch.setattr(reading, "lock", lock)
        r.jobs()
        return lock(*given)

    monkeypatch.setattr(reading, "lock", joined_first)
    r.regarding("case/7", "two")

    assert {"one": [("case/7", "manual")]} == r.regardings()


@pytest.mark.parametrize("elder", ["folder-rule/a", ""], ids=["filed there too", "not filed there"])
def test_what_a_person_took_away_from_one_that_ends_stays_away(r: Resolver, elder: str):
    r.resolve(r.record(renamed("one"), mailbox=ANNA, tracked_by=elder))
    r.resolve(r.record(renamed("two"), mailbox=SUPPORT, tracked_by="folder-rule/a"))
    r.regarding("account/a", "two", take=True)
    r.jobs()
    one_by_one(r, [r.record(renamed("two", "one"), mailbox=BEN)])
    assert {("accepted", "one")} == set(filed(r).values())
    one_by_one(r, [r.record(renamed("one"), mailbox=BEN, folder="A", tracked_by="folder-rule/a")])

    assert {} == r.regardings()
    assert [] == r.events()[-1]["regardings"]


def test_what_a_person_took_away_from_one_stays_where_a_person_has_filed_the_other(r: Resolver):
    for name in ("one", "two"):
        r.resolve(r.record(renamed(name), mailbox=ANNA))
        r.regarding("account/a", name)
    r.regarding("account/a", "two", take=True)
    one_by_one(r, [r.record(renamed("two", "one"), mailbox=BEN)])

    assert {"one": [("account/a", "manual")]} == r.regardings()


def test_what_a_person_took_away_is_not_given_again_by_a_copy_under_the_other_id(r: Resolver):
    two(r, rule_of_elder="folder-rule/a")
    r.regarding("account/a", "one", take=True)
    r.jobs()
    one_by_one(r, [r.record(copy("two"), mailbox=BEN, folder="A", tracked_by="folder-rule/a")])

    assert {} == r.regardings()


@pytest.mark.parametrize("before", [(), (SUPPORT,)], ids=["as it ends", "by a later copy"])
def test_what_the_other_id_brings_reaches_the_answers_too(r: Resolver, before: tuple[str, ...]):
    answer = mail("answer", to=ANNA, answers=["one"], From="Ben <ben@own.example>")
    one_by_one(r, [r.record(copy("one"), mailbox=ANNA), r.record(answer)])
    one_by_one(r, [r.record(copy("two"), mailbox=mailbox) for mailbox in before])
    one_by_one(r, [r.record(copy("two"), mailbox=BEN, folder="A", tracked_by="folder-rule/a")])

    assert {"one": [("account/a", "folder")], "answer": [("account/a", "correlated")]} == r.regardings()


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 0, 1)], ids=str)
def test_internal_mail_makes_one_activity_also_where_its_outgoing_one_has_ended_in_another(r: Resolver, order):
    r.settings = replace(r.settings, policy=replace(r.settings.policy, internal=InternalMail(two_activities=False)))
    records = [
        r.record(copy("one", To=ANNA), mailbox=BEN, folder="Sent"),
        r.record(copy("two", To=ANNA), mailbox=BEN, folder="Sent"),
        r.record(copy("two", To=ANNA), mailbox=ANNA),
    ]
    one_by_one(r, [records[number] for number in order])
    for _ in range(2):
        assert [("outgoing",)] == r.rows("SELECT direction FROM resolver.activity")
        assert "InternalIgnored" == filed(r)["two anna"][0]
        redecide(r)
