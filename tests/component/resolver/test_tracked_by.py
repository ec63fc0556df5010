"""Mail of folders with a rule, and mail that people have flagged, on a real database."""

from itertools import permutations

import pytest

from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.resolver.settings import Settings
from tests.component.resolver.conftest import Resolver, mail

pytestmark = pytest.mark.component

ANNA = "anna@own.example"
RULES = {"folder-rule/a": RecordRef("account", "a"), "folder-rule/b": RecordRef("account", "b")}
TO_ANNA = mail("one", to=ANNA)  # she takes responses only, and this is none


@pytest.fixture
def resolver_with_rules(resolver: Resolver) -> Resolver:
    resolver.settings = Settings(policy=Policy(version=1), mailbox_owners={}, options={}, rules=RULES)
    return resolver


def regardings(resolver: Resolver):
    return resolver.rows(
        "SELECT m.message_id, regarding_type, regarding_id, regarding_source FROM resolver.activity a"
        " JOIN resolver.message m USING (message_key) ORDER BY 1"
    )


def test_mail_of_a_rules_folder_is_tracked_and_gets_its_record(resolver_with_rules: Resolver):
    r = resolver_with_rules
    r.resolve(r.record(TO_ANNA, folder="Kunden", tracked_by="folder-rule/a"))
    r.resolve(r.record(mail("two", to=ANNA, answers=["one"])))

    assert [
        ("one@x.example", "account", "a", "folder"), ("two@x.example", "account", "a", "correlated")
    ] == regardings(r)  # fmt: skip


def test_a_rule_without_record_tracks_and_leaves_the_rest_alone(resolver_with_rules: Resolver):
    r = resolver_with_rules
    r.resolve(r.record(TO_ANNA, folder="Kunden", tracked_by="folder-rule/none"))

    assert [("one@x.example", None, None, None)] == regardings(r)


def test_mail_that_is_flagged_later_is_decided_again_once(resolver_with_rules: Resolver):
    r = resolver_with_rules
    r.resolve(r.record(TO_ANNA))
    assert {"one": "NoCorrelationMatch"} == r.outcomes()

    for _ in range(2):
        r.resolve(r.record(TO_ANNA, tracked_by="keyword"))
        r.jobs()

    assert {"one": "accepted"} == r.outcomes()
    assert [("arrival",), ("tracked",)] == r.rows("SELECT cause FROM resolver.decision ORDER BY version")
    # A redelivery of what was handed over before it was flagged takes nothing back.
    r.resolve(r.record(TO_ANNA))
    r.jobs()
    assert {"one": "accepted"} == r.outcomes()
    assert 1 == len(r.events())


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_a_copy_in_a_folder_gives_its_record_whatever_came_first(resolver_with_rules: Resolver, order):
    r = resolver_with_rules
    records = [
        r.record(TO_ANNA, folder="Kunden", tracked_by="folder-rule/a"),
        r.record(TO_ANNA),
        r.record(mail("two", to=ANNA, answers=["one"])),
    ]
    for number in order:
        r.resolve(records[number])
        r.jobs()

    assert ("one@x.example", "account", "a", "folder") == regardings(r)[0]


def test_a_mail_that_is_moved_to_the_folder_of_another_record_gets_that_and_keeps_it(resolver_with_rules: Resolver):
    r = resolver_with_rules
    r.resolve(r.record(TO_ANNA, folder="A", tracked_by="folder-rule/a"))
    r.resolve(r.record(TO_ANNA, folder="B", tracked_by="folder-rule/b"))
    r.rows("INSERT INTO resolver.job (targets, messages, cause) SELECT '{}', array_agg(message_key), 'x'"
           " FROM resolver.message RETURNING 1")  # fmt: skip
    r.jobs()

    assert [("one@x.example", "account", "b", "folder")] == regardings(r)


def test_what_a_person_has_said_stays_although_the_mail_is_found_again_in_its_folder(resolver_with_rules: Resolver):
    """Domain case 15.16, where the product lets the rule win; moved out of the folder, the mail gets nothing anew."""
    r = resolver_with_rules
    r.resolve(r.record(TO_ANNA, folder="A", tracked_by="folder-rule/a"))
    assert [("one@x.example", "account", "a", "folder")] == regardings(r)
    r.regarding("account/x")

    for again in (
        r.record(TO_ANNA, folder="A", tracked_by="folder-rule/a"),
        r.record(TO_ANNA, folder="A", tracked_by="folder-rule/a", uid=77),
        r.record(TO_ANNA, folder="INBOX", uid=78),
    ):
        r.resolve(again)
        r.jobs()
        assert [("one@x.example", "account", "x", "manual")] == regardings(r)
