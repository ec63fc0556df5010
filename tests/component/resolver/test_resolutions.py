"""A person says who an unresolved address is (domain rules 4.4 and 15.25), and takes it back."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from services import contracts
from services.domain.facts import Policy
from services.resolver.commands import carry_out
from services.resolver.settings import Settings
from services.runtime.records import Batch, Input
from services.storage.postgres import Database
from services.storage.reports import resolutions
from tests.component.resolver.conftest import KEY, Resolver, mail
from tests.component.resolver.test_late_resolution import late
from tests.component.resolver.test_redecide import ask, become

pytestmark = pytest.mark.component

SHOP = "shop@both.example"
BOTH = (
    {"type": "contact", "id": "lin", "addresses": [SHOP], "owner": {"type": "user", "id": "anna"}},
    {"type": "account", "id": "shop", "addresses": [SHOP]},
)


def under(*, unresolve: bool = True, to_all: bool = True) -> Settings:
    policy = Policy(
        version=1, unresolve_on_multiple=unresolve, apply_to_all=to_all, sender_unresolve_on_multiple=unresolve
    )
    return Settings(policy=policy, mailbox_owners={}, options={})


@pytest.fixture
def filed(resolver: Resolver) -> Resolver:
    """Two mails in which nobody is behind the address that two records have."""
    resolver.settings = under()
    resolver.directory(*BOTH)
    for name in ("one", "two"):
        resolver.resolve(resolver.record(mail(name, Cc=SHOP)))
    late(resolver)
    return resolver


def activity(resolver: Resolver, name: str) -> UUID:
    query = "SELECT a.id FROM resolver.activity a JOIN resolver.message m USING (message_key) WHERE m.message_id = %s"
    ((found,),) = resolver.rows(query, f"{name}@x.example")
    return UUID(str(found))


def command(resolver: Resolver, kind: str, name: str, record: str = "", **fields: Any) -> bytes:
    about = fields.pop("about", None) or activity(resolver, name)
    value = {
        "id": str(uuid4()), "kind": kind, "object": f"activity/{about}", "author": "mira",
        "reason": "she said so", "time": datetime.now(UTC), "target": "", "onto": "", "address": SHOP,
        "record": record, "only_this": False, **fields,
    }  # fmt: skip
    return contracts.encode("Command", value)


def say(resolver: Resolver, *values: bytes) -> Batch:
    """Hand commands to the resolver, and carry out what follows from them."""
    batch = Batch([Input("commands", 0, at, b"", value, {}) for at, value in enumerate(values)])
    with closing(Database(resolver.url, "resolver")) as database:
        carry_out(batch, database=database, settings=lambda: resolver.settings, hash_key=KEY)
    late(resolver)
    return batch


def behind(resolver: Resolver, address: str = SHOP) -> dict[str, str]:
    """Who is behind the address, by mail."""
    rows = resolver.rows(
        "SELECT split_part(m.message_id, '@', 1),"
        " coalesce((SELECT string_agg(r ->> 'id', ' ') FROM jsonb_array_elements(p.records) r), '')"
        " FROM resolver.party p JOIN resolver.activity a ON a.id = p.activity_id JOIN resolver.message m"
        " USING (message_key) WHERE p.address = %s ORDER BY 1",
        address,
    )
    return dict(rows)


def refusals(resolver: Resolver) -> list[str]:
    rows = resolver.rows("SELECT refused FROM resolver.resolution WHERE refused <> '' ORDER BY applied")
    return [refused for (refused,) in rows]


def changes(resolver: Resolver) -> list[tuple[str, list[str]]]:
    told = [(e["message_id"].partition("@")[0], e["reasons"]) for e in resolver.events()]
    return [one for one in told if one[1] != ["created"]]


def test_applied_to_all_it_changes_every_mail_by_one_event_each_and_later_mail_too(filed: Resolver):
    """Domain case 15.25: with the switch on, every mail with the address is resolved."""
    assert {"one": "", "two": ""} == behind(filed)
    say(filed, command(filed, "resolve", "one", "contact/lin"))
    filed.resolve(filed.record(mail("three", Cc=SHOP, From=SHOP)))

    assert {"one": "lin", "two": "lin", "three": "lin"} == behind(filed)
    assert [("one", ["parties"]), ("two", ["parties"])] == sorted(changes(filed))


@pytest.mark.parametrize(
    ("settings", "only_this"),
    [(under(to_all=False), False), (under(), True)],
    ids=["switched off", "asked for"],
)
def test_else_it_changes_only_the_mail_that_it_is_said_of(filed: Resolver, settings, only_this):
    """Domain case 15.25: with the switch off, that one mail."""
    filed.settings = settings
    say(filed, command(filed, "resolve", "one", "contact/lin", only_this=only_this))
    filed.resolve(filed.record(mail("three", Cc=SHOP)))

    assert {"one": "lin", "two": "", "three": ""} == behind(filed)
    assert [("one", ["parties"])] == changes(filed)


def test_the_switch_counts_only_while_shared_addresses_are_left_unresolved(resolver: Resolver):
    """Of an address that no record has, a word is one about that mail."""
    resolver.settings = under(unresolve=False)
    resolver.directory(BOTH[0] | {"addresses": []})
    for name in ("one", "two"):
        resolver.resolve(resolver.record(mail(name, Cc=SHOP)))
    say(resolver, command(resolver, "resolve", "one", "contact/lin"))

    assert {"one": "lin", "two": ""} == behind(resolver)


def test_taken_back_every_mail_is_as_it_was_and_says_so_once(filed: Resolver):
    say(filed, command(filed, "resolve", "one", "contact/lin"))
    filed.resolve(filed.record(mail("three", Cc=SHOP)))
    before = len(changes(filed))
    say(filed, command(filed, "unresolve", "two"))

    assert {"one": "", "two": "", "three": ""} == behind(filed)
    assert ["one", "three", "two"] == sorted(name for name, _ in changes(filed)[before:])
    filed.resolve(filed.record(mail("four", Cc=SHOP)))
    assert "" == behind(filed)["four"]


def test_a_command_that_comes_again_changes_nothing(filed: Resolver):
    resolve = command(filed, "resolve", "one", "contact/lin")
    say(filed, resolve)
    state, events = filed.dump(), len(filed.events())
    say(filed, resolve)
    assert (state, events, []) == (filed.dump(), len(filed.events()), refusals(filed))

    back = command(filed, "unresolve", "one")
    say(filed, back)
    say(filed, resolve, back)

    assert {"one": "", "two": ""} == behind(filed)


def test_the_directory_changes_nothing_of_what_a_person_has_said(filed: Resolver):
    """New mail goes by the directory again as soon as that knows who it is."""
    say(filed, command(filed, "resolve", "one", "contact/lin"))
    filed.directory({"type": "contact", "id": "lin", "deleted": True, "active": False})
    late(filed)
    filed.directory({"type": "contact", "id": "new", "addresses": [SHOP]}, BOTH[1] | {"addresses": []})
    late(filed)
    filed.resolve(filed.record(mail("three", Cc=SHOP)))

    assert {"one": "lin", "two": "lin", "three": "new"} == behind(filed)


def test_mail_that_is_decided_again_keeps_what_a_person_has_said_even_when_it_was_gone_in_between(filed: Resolver):
    say(filed, command(filed, "resolve", "one", "contact/lin"))
    for queue_default in (4, 0):
        become(filed, queue_default=queue_default)
        ask(filed)
        filed.jobs()
        assert queue_default == 0 or {} == behind(filed)

    assert {"one": "lin", "two": "lin"} == behind(filed)


def test_what_the_sender_is_said_to_be_decides_the_owner_too(resolver: Resolver):
    resolver.settings = under()
    resolver.directory(*BOTH)
    to = "support@own.example, anna@own.example"
    resolver.resolve(resolver.record(mail("one", to=to, From=SHOP), mailbox="support@own.example"))
    assert [("ben",)] == resolver.rows("SELECT owner_id FROM resolver.activity")

    say(resolver, command(resolver, "resolve", "one", "contact/lin"))
    assert {"one": "lin"} == behind(resolver)
    assert [("anna",)] == resolver.rows("SELECT owner_id FROM resolver.activity")

    say(resolver, command(resolver, "unresolve", "one"))
    assert [("ben",)] == resolver.rows("SELECT owner_id FROM resolver.activity")


def test_a_mail_that_is_decided_while_the_word_is_said_is_found(filed: Resolver):
    """It may have read no word, and is committed after: what looks for it waits for the decisions under way."""
    batch = Batch([Input("commands", 0, 0, b"", command(filed, "resolve", "one", "contact/lin"), {})])
    with closing(Database(filed.url, "resolver")) as database:
        carry_out(batch, database=database, settings=lambda: filed.settings, hash_key=KEY)
    kept = filed.rows("SELECT count(*) FROM resolver.gained_address WHERE resolution IS NOT NULL")

    assert [(1,)] == kept, "it is left to what is known to wait"


def test_a_merged_record_is_named_by_what_it_has_become(filed: Resolver):
    say(filed, command(filed, "resolve", "one", "contact/lin"))
    filed.directory(
        {"type": "contact", "id": "lin2", "addresses": [SHOP]},
        {"type": "contact", "id": "lin", "deleted": True, "active": False, "merged_into": "lin2"},
    )
    filed.resolve(filed.record(mail("three", Cc=SHOP)))

    assert "lin2" == behind(filed)["three"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"record": "contact/nobody"}, "no such record"),
        ({"record": "contact/lin", "address": "else@x.example"}, "nobody in this activity"),
        ({"record": "contact/lin", "address": "kim@customer.example"}, "somebody is behind"),
        ({"record": "contact/lin", "about": uuid4()}, "no activity of this id"),
        ({"kind": "unresolve"}, "no person has said"),
    ],
    ids=["record", "address", "resolved", "activity", "unsaid"],
)
def test_what_makes_no_sense_is_refused_and_kept_with_the_reason(filed: Resolver, given, said: str):
    before = filed.dump()
    say(filed, command(filed, given.pop("kind", "resolve"), "one", given.pop("record", ""), **given))

    assert [True] == [said in refused for refused in refusals(filed)]
    assert before == filed.dump()


def test_two_words_about_one_address_never_both_count_for_all_mail(filed: Resolver):
    said = [command(filed, "resolve", "one", "contact/lin"), command(filed, "resolve", "two", "account/shop")]
    say(filed, *said)

    assert {"one": "lin", "two": "lin"} == behind(filed)
    assert [True] == [refused.startswith("another record is named") for refused in refusals(filed)]


def test_what_is_no_command_of_a_person_is_rejected_and_its_neighbours_go_on(filed: Resolver):
    broken = command(filed, "resolve", "one", "contact/lin", id="no id")
    nameless = command(filed, "resolve", "one", "")
    batch = say(
        filed, broken, nameless, command(filed, "relink", "one"), command(filed, "resolve", "one", "contact/lin")
    )

    assert 2 == len(batch.rejects)
    assert {"one": "lin", "two": "lin"} == behind(filed)


def test_who_said_it_when_and_why_is_kept_with_each_mail_that_it_changed(filed: Resolver):
    say(filed, command(filed, "resolve", "one", "contact/lin"))
    say(filed, command(filed, "unresolve", "two", author="ola"))
    with closing(Database(filed.url, "reader")) as database, database.transaction() as connection:
        keys = dict(filed.rows("SELECT split_part(message_id, '@', 1), message_key FROM resolver.message"))
        told = {name: resolutions.history(connection, keys[name]) for name in ("one", "two")}

    assert [("resolve", "contact/lin", "mira", "she said so", True, "ola")] == [
        (r["kind"], r["record"], r["author"], r["reason"], r["here"], r["taken_back"]) for r in told["one"]
    ]
    assert [("resolve", False, "ola"), ("unresolve", True, None)] == [
        (r["kind"], r["here"], r["taken_back"]) for r in told["two"]
    ]
