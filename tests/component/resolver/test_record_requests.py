"""The CRM is asked for a record of an unknown sender once, whatever comes again (domain rule 4.8)."""

import threading
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from services import contracts
from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.resolver.settings import Settings
from services.storage.postgres import Database
from services.storage.reports.explain import explain
from tests.component.resolver.conftest import KEY, Resolver, mail
from tests.component.resolver.test_aliases_of_users import arrive, command, delivered, say
from tests.component.resolver.test_late_resolution import late, parties
from tests.component.resolver.test_redecide import ask, become

pytestmark = pytest.mark.component

LENA = {"From": "Lena <Lena@New.example>"}


@pytest.fixture
def creating(resolver: Resolver) -> Resolver:
    policy = Policy(version=1, auto_create="contact")
    resolver.settings = Settings(policy=policy, mailbox_owners={}, options={}, hash_key=KEY)
    return resolver


def requests(resolver: Resolver) -> list[dict[str, Any]]:
    rows = resolver.rows("SELECT value FROM resolver.outbox WHERE topic = 'record-requests' ORDER BY id")
    return [contracts.decode(bytes(value))[1] for (value,) in rows]


def told(resolver: Resolver, name: str) -> list[tuple[bool, str]]:
    """What the decision about a mail says of a record for its sender."""
    ((looked,),) = resolver.rows(
        "SELECT x.evidence FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id AND x.current"
        " JOIN resolver.message m USING (message_key) WHERE m.message_id = %s",
        f"{name}@x.example",
    )
    return [(one["counts"], one["why"]) for one in looked if one["kind"] == "record"]


def test_it_names_address_name_owner_and_activity(creating: Resolver):
    creating.resolve(creating.record(mail("one", **LENA)))

    (found,) = requests(creating)
    assert ("contact", "lena@new.example", "Lena") == (found["type"], found["address"], found["name"])
    assert {"type": "user", "id": "ben"} == found["owner"]
    assert [(found["activity_id"],)] == creating.rows("SELECT id::text FROM resolver.activity")
    assert [(True, "nobody is behind the address of the sender")] == told(creating, "one")


def test_once_for_an_address_though_mails_come_again_and_are_decided_again(creating: Resolver):
    one, two = creating.record(mail("one", **LENA)), creating.record(mail("two", From="lena@new.EXAMPLE"))
    creating.resolve(one, two)
    creating.resolve(one, two, creating.record(mail("three", **LENA)))
    assert {(True, "nobody is behind the address of the sender"), (False, "it was asked for before")} == {
        answer for name in ("one", "two", "three") for answer in told(creating, name)
    }
    for queue_default in (4, 0):
        become(creating, queue_default=queue_default)
        ask(creating)
        creating.jobs()

    assert 1 == len(requests(creating))


def test_two_resolvers_that_decide_at_the_same_time_ask_once(creating: Resolver):
    mails = [creating.record(mail(f"mail{n}", **LENA), uid=n) for n in range(8)]
    together = threading.Barrier(2)

    def decide(some: list[bytes]) -> None:
        together.wait()
        for one in some:
            creating.resolve(one)

    threads = [threading.Thread(target=decide, args=(some,)) for some in (mails[::2], mails[1::2])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 8 == len(creating.outcomes())
    assert 1 == len(requests(creating))
    assert 1 == sum(counts for n in range(8) for counts, _ in told(creating, f"mail{n}"))


def test_a_mail_that_is_not_filed_asks_for_nothing_and_keeps_nothing_of_its_sender(creating: Resolver):
    creating.resolve(creating.record(mail("one", to="anna@own.example", **LENA)))

    assert {"one": "NoCorrelationMatch"} == creating.outcomes()
    assert ([], []) == (requests(creating), creating.rows("SELECT * FROM resolver.record_request"))


def test_nothing_is_asked_for_where_somebody_is_behind_the_sender_or_we_have_sent_it(creating: Resolver):
    creating.resolve(
        creating.record(mail("known")),
        creating.record(
            mail("sent", to="lena@new.example", From="support@own.example"),
            folder="Sent",
            mailbox="support@own.example",
        ),
    )

    assert {"known": "accepted", "sent": "accepted"} == creating.outcomes()
    assert ([], [], []) == (requests(creating), told(creating, "known"), told(creating, "sent"))


def test_it_is_kept_without_the_address(creating: Resolver):
    creating.resolve(creating.record(mail("one", **LENA)))

    assert "new.example" not in str(creating.rows("SELECT * FROM resolver.record_request"))


def test_switched_on_later_it_is_asked_for_when_the_mail_is_decided_again(creating: Resolver):
    become(creating, auto_create="none")
    creating.resolve(creating.record(mail("one", **LENA)))
    assert ([], [(False, "resolve.autoCreate is none")]) == (requests(creating), told(creating, "one"))

    become(creating, auto_create="lead")
    ask(creating)
    creating.jobs()

    assert ["lead"] == [one["type"] for one in requests(creating)]


def test_the_record_that_the_crm_makes_is_found_by_the_mail(creating: Resolver):
    creating.resolve(creating.record(mail("one", **LENA)))
    (asked,) = requests(creating)
    creating.directory({"type": asked["type"], "id": "lena", "addresses": [asked["address"]], "owner": asked["owner"]})
    late(creating)
    creating.resolve(creating.record(mail("two", **LENA)))

    assert ["lena", "lena"] == [name for role, _, name in parties(creating) if role == "from"]
    assert 1 == len(requests(creating))


def test_explain_says_when_the_crm_was_asked(creating: Resolver):
    creating.resolve(creating.record(mail("one", **LENA)))
    ((key,),) = creating.rows("SELECT id_key FROM resolver.message")
    with closing(Database(creating.url, "reader")) as database, database.transaction() as connection:
        (found,) = explain(connection, key)

    assert found["record_request"] is not None
    assert ("contact", requests(creating)[0]["request_id"]) == (
        found["record_request"]["type"], found["record_request"]["id"]
    )  # fmt: skip


def test_the_choice_of_the_user_for_whom_it_is_filed_counts(creating: Resolver):
    creating.settings = replace(
        creating.settings,
        options={RecordRef("user", "anna"): 0},
        creating={RecordRef("user", "anna"): "lead", RecordRef("queue", "support"): "none"},
    )
    creating.resolve(
        creating.record(mail("one", **LENA)),
        creating.record(mail("two", to="anna@own.example", From="max@other.example")),
    )

    assert [("lead", "max@other.example")] == [(one["type"], one["address"]) for one in requests(creating)]
    assert [(False, "for whom it is filed wants none (autoCreate)")] == told(creating, "one")


def test_none_is_asked_for_whom_a_person_has_named_as_one_of_us(creating: Resolver):
    """Anna writes from an address in another domain, which she has as an alias."""
    brand = "anna@brand.example"
    arrive(creating, delivered("one", original=brand, to=f"{brand}, support@own.example"))
    say(creating, command("alias-confirm", brand))
    creating.resolve(creating.record(mail("two", From=f"Anna <{brand}>")))

    assert "accepted" == creating.outcomes()["two"]
    assert ["lee@else.example"] == [one["address"] for one in requests(creating)]
