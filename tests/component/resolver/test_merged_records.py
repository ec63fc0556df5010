"""Two records of a CRM turn out to be one: what named the one names the other, whatever its age."""

from contextlib import closing

import pytest

from services.cli.directory_merge import records_of_merge
from services.contracts.codec import encode
from services.domain.errors import Refused
from services.resolver.merging import Merging
from services.resolver.projection import InvalidDirectoryRecord, read
from services.storage.postgres import Database, connect
from tests.component.resolver.conftest import Resolver, mail
from tests.component.resolver.test_late_resolution import late, parties

pytestmark = pytest.mark.component

KIM = {"type": "contact", "id": "kim", "addresses": ["kim@customer.example"]}


def merged(loser: str, survivor: str) -> dict[str, object]:
    return {"type": "contact", "id": loser, "active": False, "deleted": True, "merged_into": survivor}


def merging(resolver: Resolver) -> int:
    """Carry merges out to their end; return how many steps that took."""
    with closing(Database(resolver.url, "resolver")) as database:
        steps = 0
        while Merging(database).step():
            steps += 1
        return steps


def test_parties_and_regarding_name_the_survivor_by_one_event_each(resolver: Resolver):
    resolver.resolve(resolver.record(mail("one")), resolver.record(mail("two", Cc="Kim <kim@customer.example>")))
    resolver.regarding("contact/kim")
    late(resolver)
    created = len(resolver.events())
    resolver.directory({**KIM, "id": "kim2"}, merged("kim", "kim2"))
    merging(resolver)

    events = resolver.events()[created:]
    assert [["parties", "regarding"]] * 2 == [event["reasons"] for event in events]
    assert {"kim2", "support", "ben"} == {r["id"] for e in events for p in e["parties"] for r in p["records"]}
    assert ["kim2", "kim2"] == [event["regarding"]["id"] for event in events]


def test_new_mail_resolves_to_the_survivor_and_old_mail_that_is_decided_again_keeps_it(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root")))
    resolver.directory({**KIM, "id": "kim2"}, merged("kim", "kim2"))
    merging(resolver)
    resolver.resolve(resolver.record(mail("answer", answers=["root"])))
    late(resolver)

    assert {"kim2"} == {who for role, _, who in parties(resolver) if role == "from"}


def test_a_party_that_named_both_names_the_survivor_once(resolver: Resolver):
    resolver.directory({**KIM, "id": "kim2"})
    resolver.resolve(resolver.record(mail("root", Cc="kim@customer.example")))
    assert ("cc", "kim@customer.example", "kim kim2") in parties(resolver)
    resolver.directory(merged("kim", "kim2"))
    merging(resolver)

    assert ("cc", "kim@customer.example", "kim2") in parties(resolver)


@pytest.mark.parametrize("order", [("a-b", "b-c"), ("b-c", "a-b")], ids=" ".join)
def test_merges_of_merges_end_at_the_last_one_in_whatever_order_they_come(resolver: Resolver, order):
    names = {"a": "kim", "b": "kim2", "c": "kim3"}
    resolver.resolve(resolver.record(mail("root")))
    for one in order:
        resolver.directory(merged(*(names[letter] for letter in one.split("-"))))
        merging(resolver)

    assert "kim3" == parties(resolver)[0][2]


def test_merges_in_a_circle_come_to_an_end(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root")))
    resolver.directory({**KIM, "id": "kim2"}, merged("kim", "kim2"), merged("kim2", "kim"))

    assert merging(resolver) < 10


def test_many_activities_are_changed_in_bounded_pieces(resolver: Resolver, monkeypatch):
    monkeypatch.setattr("services.resolver.merging.MESSAGES_AT_ONCE", 2)
    resolver.resolve(*(resolver.record(mail(f"m{n}")) for n in range(5)))
    resolver.directory({**KIM, "id": "kim2"}, merged("kim", "kim2"))

    assert 4 == merging(resolver), "three pieces, and one look that finds nothing more"
    assert {"kim2"} == {who for role, _, who in parties(resolver) if role == "from"}


@pytest.mark.parametrize(
    "record",
    [
        pytest.param({"type": "user", "id": "anna", "deleted": True, "merged_into": "ben"}, id="user"),
        pytest.param({"type": "contact", "id": "a", "deleted": False, "merged_into": "b"}, id="not-deleted"),
        pytest.param({"type": "contact", "id": "a", "deleted": True, "merged_into": "a"}, id="itself"),
    ],
)
def test_what_cannot_be_merged_becomes_a_dead_letter(record):
    full = {"name": "", "addresses": [], "owner": None, "active": False, **record}

    with pytest.raises(InvalidDirectoryRecord):
        read(0, 0, b"", encode("DirectoryRecord", full))


def test_the_survivor_of_a_merge_gets_the_addresses_of_both(resolver: Resolver):
    resolver.directory({**KIM, "id": "kim2", "addresses": ["kim2@customer.example"], "name": "Kim B"})
    with closing(connect(resolver.url, "reader")) as connection:
        survivor, gone = records_of_merge(connection, "contact/kim", "contact/kim2")

    assert ["kim2@customer.example", "kim@customer.example"] == survivor["addresses"]
    assert ("Kim B", False, True, "kim2") == (
        survivor["name"],
        survivor["deleted"],
        gone["deleted"],
        gone["merged_into"],
    )


@pytest.mark.parametrize(
    ("loser", "survivor", "said"),
    [
        ("contact/kim", "account/kim", "of two types"),
        ("contact/kim", "contact/kim", "into itself"),
        ("user/anna", "user/ben", "cannot be merged"),
        ("contact/kim", "contact/nobody", "has no contact/nobody"),
        ("contact/nobody", "contact/kim", "has no contact/nobody"),
        ("kim", "contact/kim", '"kim" names no record: give TYPE/ID'),
        ("contact/", "contact/kim", "names no record"),
    ],
)
def test_two_records_that_cannot_be_merged_are_refused(resolver: Resolver, loser: str, survivor: str, said: str):
    with closing(connect(resolver.url, "reader")) as connection, pytest.raises(Refused, match=said):
        records_of_merge(connection, loser, survivor)
