"""One mail that came under two ids, on a real database: one activity, whatever came first and whoever decides."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from services.domain.acceptance import Scope
from services.domain.facts import Policy
from services.domain.identity import keyed_hash
from services.domain.message import MessageId
from services.resolver import redecisions
from services.resolver.handlers import resolve
from services.resolver.jobs import JobWorker
from services.resolver.settings import Settings
from services.runtime.records import Batch, Input
from services.storage.postgres import Database
from services.storage.reports import regardings
from tests.component.resolver.conftest import KEY, Resolver, mail
from tests.component.resolver.test_late_resolution import late
from tests.component.resolver.test_redecide import ask, become
from tests.component.resolver.test_resolutions import behind, command, say

pytestmark = pytest.mark.component

ANNA, BEN, SUPPORT = "anna@own.example", "ben@own.example", "support@own.example"
TO = f"{ANNA}, {SUPPORT}"
ALL = Policy(version=1, force_users=0)


def copy(name: str, *, text: str = "Hello", **headers: str) -> bytes:
    """A mail of Ben's to Anna and the queue under this id; a relay gives each copy another one."""
    raw = mail(name, to=TO, **{"From": "Ben <ben@own.example>", "Subject": "Offer", **headers})
    return raw.replace(f"Hello from {name}".encode(), text.encode())


def renamed(name: str, former: str = "", **changes: str) -> bytes:
    """A mail of Kim's, to which Gmail has given this id."""
    named = {"X_Gmail_Original_Message_ID": f"<{former}@x.example>"} if former else {}
    return copy(name, From="Kim <kim@customer.example>", **named, **changes)


def everybody(resolver: Resolver) -> None:
    resolver.settings = Settings(policy=ALL, mailbox_owners={}, options={})


def one_by_one(resolver: Resolver, values: Sequence[bytes]) -> None:
    for value in values:
        resolver.resolve(value)
        resolver.jobs()


def filed(resolver: Resolver) -> dict[str, tuple[str, str]]:
    """The message in whose activity each accepted delivery is filed, by the message and the mailbox."""
    rows = resolver.rows(
        "SELECT split_part(m.message_id, '@', 1) || ' ' || split_part(d.mailbox, '@', 1), x.outcome,"
        " split_part(am.message_id, '@', 1) FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id"
        " JOIN resolver.message m USING (message_key) LEFT JOIN resolver.activity a ON a.id = x.activity_id"
        " LEFT JOIN resolver.message am ON am.message_key = a.message_key WHERE x.current"
    )
    return {name: (outcome, into) for name, outcome, into in rows}


def answered(resolver: Resolver, name: str) -> list[tuple[str, str]]:
    """What the activity of a message answers by its event, and by its row."""
    told = [e["correlation"] for e in resolver.events() if e["message_id"] == f"{name}@x.example"]
    stored = resolver.rows(
        "SELECT cm.message_id FROM resolver.activity a JOIN resolver.message m USING (message_key)"
        " JOIN resolver.activity c ON c.id = a.correlated JOIN resolver.message cm ON cm.message_key = c.message_key"
        " WHERE m.message_id = %s",
        f"{name}@x.example",
    )
    return [(told[-1]["message_id"], row[0]) for row in stored]


def last(resolver: Resolver) -> dict[str, dict[str, Any]]:
    """The last event of each activity; the versions of each rise by one."""
    found: dict[str, dict[str, Any]] = {}
    for event in resolver.events():
        before = found.get(event["activity_id"])
        assert (before["version"] if before else 0) + 1 == event["version"]
        found[event["activity_id"]] = event
    return found


CASES = {
    "copies of own mail": (copy("one"), copy("two")),
    "the id before": (renamed("one"), renamed("two", "one")),
    "an id that nobody has": (renamed("one", "zero"), renamed("two", "zero")),
}


@pytest.mark.parametrize("size", [1, 4], ids=["one by one", "in one batch"])
@pytest.mark.parametrize("case", CASES)
def test_two_activities_of_one_mail_become_one_in_every_order(resolver: Resolver, case: str, size: int):
    everybody(resolver)
    first, second = CASES[case]
    records = [
        resolver.record(first, mailbox=ANNA),
        resolver.record(second, mailbox=SUPPORT),
        resolver.record(mail("to-one", to=ANNA, answers=["one"], From="Ben <ben@own.example>")),
        resolver.record(mail("to-two", to=ANNA, answers=["two"], From="Ben <ben@own.example>")),
    ]
    orders = list(permutations(range(4)))[:: 1 if size == 4 else 5]
    for order in orders:
        with psycopg.connect(resolver.url) as connection:
            connection.execute(
                "TRUNCATE resolver.activity, resolver.message, resolver.decision, resolver.job, resolver.outbox,"
                " resolver.evidence, resolver.withdrawn CASCADE"
            )
        values = [records[number] for number in order]
        for start in range(0, 4, size):
            resolver.resolve(*values[start : start + size])
            resolver.jobs()

        found = filed(resolver)
        elder = found["one anna"][1]
        assert {("accepted", elder)} == {found["one anna"], found["two support"]}, order
        assert [(f"{elder}@x.example",) * 2] == answered(resolver, "to-one") == answered(resolver, "to-two")
        events = last(resolver)
        ended = [one for one in events.values() if one["merged_into"]]
        (stays,) = [one for one in events.values() if one["message_id"] == f"{elder}@x.example"]
        assert [(["merged"], stays["activity_id"], [])] == [
            (one["reasons"], one["merged_into"], one["deliveries"]) for one in ended
        ]
        assert [ANNA, SUPPORT] == [place["mailbox"] for place in stays["deliveries"]]
        assert [{"type": "queue", "id": "support"}] == stays["queue_items"]
        assert {"delivery-added"} == set(stays["reasons"]) - {"queued"}
        before = resolver.dump()
        told = len(resolver.events())
        resolver.resolve(*reversed(values))
        resolver.jobs()
        assert (before, told) == (resolver.dump(), len(resolver.events()))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(renamed("two", "one", text="Pay to another account"), id="another text"),
        pytest.param(renamed("two", "one", Subject="Offer 2"), id="another subject"),
        pytest.param(renamed("two", "one", Date="Tue, 24 Nov 2026 10:00:01 +0000"), id="another instant"),
        pytest.param(renamed("two", "one").replace(b"Kim <kim@", b"Eve <eve@"), id="another sender"),
        pytest.param(renamed("two"), id="nothing ties them"),
    ],
)
def test_what_only_says_that_it_is_the_same_mail_stays_apart(resolver: Resolver, other: bytes):
    everybody(resolver)
    one_by_one(resolver, [resolver.record(renamed("one"), mailbox=ANNA), resolver.record(other, mailbox=SUPPORT)])

    assert {"one anna": ("accepted", "one"), "two support": ("accepted", "two")} == filed(resolver)


def test_one_id_with_two_contents_stays_two(resolver: Resolver):
    everybody(resolver)
    one_by_one(
        resolver,
        [
            resolver.record(renamed("one"), mailbox=ANNA),
            resolver.record(renamed("one", text="Other", Date="Tue, 24 Nov 2026 11:00:00 +0000"), mailbox=SUPPORT),
            resolver.record(renamed("two", "one"), mailbox=BEN),
        ],
    )

    assert [(2,)] == resolver.rows("SELECT count(*) FROM resolver.activity")
    assert [(3, 2)] == resolver.rows(
        "SELECT count(*), count(DISTINCT activity_id) FROM resolver.decision WHERE current"
    )


def test_a_later_copy_is_filed_in_the_elder_and_explained(resolver: Resolver):
    everybody(resolver)
    one_by_one(resolver, [resolver.record(copy("one"), mailbox=ANNA), resolver.record(copy("two"), mailbox=ANNA)])
    one_by_one(resolver, [resolver.record(copy("two"), mailbox=SUPPORT)])

    assert {"one anna", "two anna", "two support"} == set(filed(resolver))
    assert {("accepted", "one")} == set(filed(resolver).values())
    told = resolver.events()[-1]
    assert (["delivery-added"], 3) == (told["reasons"], len(told["deliveries"]))
    assert [(2,)] == resolver.rows(
        'SELECT count(*) FROM resolver.decision WHERE current AND evidence @> \'[{"kind": "joined"}]\''
    )


@pytest.mark.parametrize(
    ("elder", "expected"),
    [((), ["x"]), (("y",), ["y", "x"]), (("x",), ["x"])],
    ids=["the elder has none", "another one", "the same"],
)
def test_what_persons_have_said_goes_over(resolver: Resolver, elder, expected):
    everybody(resolver)
    resolver.resolve(resolver.record(renamed("one"), mailbox=ANNA), resolver.record(renamed("two"), mailbox=SUPPORT))
    for name, record in (("two", "x"), *(("one", one) for one in elder)):
        resolver.regarding(f"account/{record}", name)
    with psycopg.connect(resolver.url) as connection:
        connection.execute(
            "UPDATE resolver.activity SET created = created - interval '1 hour' FROM resolver.message m"
            " WHERE m.message_key = activity.message_key AND m.message_id = 'one@x.example'"
        )
        connection.execute("UPDATE resolver.party SET records = '[]' WHERE role = 'from'")
        connection.execute(
            "WITH said AS (INSERT INTO resolver.resolution"
            " (id, kind, activity_id, message_key, address, record_type, record_id, author, reason, asked)"
            " SELECT gen_random_uuid(), 'resolve', id, message_key, 'kim@customer.example', 'contact', 'kim', 'anna',"
            " '', now() FROM resolver.activity a JOIN resolver.message m USING (message_key)"
            " WHERE m.message_id = 'two@x.example' RETURNING message_key, id, activity_id), chosen AS ("
            " INSERT INTO resolver.chosen SELECT message_key, id FROM said)"
            ' UPDATE resolver.party p SET records = \'[{"type": "contact", "id": "kim"}]\', resolution = said.id'
            " FROM said WHERE p.activity_id = said.activity_id AND p.role = 'from'"
        )
    one_by_one(resolver, [resolver.record(renamed("two", "one"), mailbox=BEN)])

    assert {("accepted", "one")} == set(filed(resolver).values())
    assert {"one": [(f"account/{name}", "manual") for name in expected]} == resolver.regardings()
    kim = [{"type": "contact", "id": "kim"}]
    assert [(kim, True)] == resolver.rows(
        "SELECT records, resolution IS NOT NULL FROM resolver.party WHERE role = 'from'"
    )
    assert [(2,)] == resolver.rows("SELECT count(*) FROM resolver.chosen")
    (told,) = [one for one in last(resolver).values() if not one["merged_into"]]
    assert {"delivery-added", "parties"} | ({"regarding"} if elder != ("x",) else set()) == set(told["reasons"])


@pytest.mark.parametrize("name", ["one", "two"])
def test_the_mail_is_filed_under_a_record_by_either_id(resolver: Resolver, name: str):
    everybody(resolver)
    one_by_one(resolver, [resolver.record(copy("one"), mailbox=ANNA), resolver.record(copy("two"), mailbox=SUPPORT)])
    resolver.regarding("account/x", "one", object=f"message/{name}@x.example")

    assert {"one": [("account/x", "manual")]} == resolver.regardings()


def test_two_resolvers_and_their_jobs_end_in_one_activity(resolver: Resolver):
    everybody(resolver)
    pairs = [(copy(f"one-{n}", text=f"Hello {n}"), copy(f"two-{n}", text=f"Hello {n}")) for n in range(12)]
    ready = Barrier(2)

    def work(values: list[bytes]) -> None:
        with closing(Database(resolver.url, "resolver")) as database:
            worker = JobWorker(database, resolver.blobs, lambda: resolver.settings)
            ready.wait(10)
            for number, value in enumerate(values):
                batch = Batch([Input("mail-correlated", 0, number, b"", value, {})])
                resolve(batch, database=database, settings=lambda: resolver.settings)
                worker.step()

    sides = [
        [resolver.record(one, mailbox=ANNA) for one, _ in pairs],
        [resolver.record(two, mailbox=SUPPORT) for _, two in pairs],
    ]
    threads = [Thread(target=work, args=(side,)) for side in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    resolver.jobs()

    assert [(12,)] == resolver.rows("SELECT count(*) FROM resolver.activity")
    assert [(24, 12)] == resolver.rows(
        "SELECT count(*), count(DISTINCT activity_id) FROM resolver.decision WHERE current AND outcome = 'accepted'"
    )
    assert 12 == len([one for one in last(resolver).values() if one["merged_into"]])


def redecide(resolver: Resolver) -> None:
    with psycopg.connect(resolver.url) as connection:
        redecisions.ask(
            connection,
            redecision=uuid4(),
            author="anna",
            reason="test",
            since=datetime(2020, 1, 1, tzinfo=UTC),
            mailbox=None,
            settings_version=1,
        )
    resolver.jobs()


def test_deciding_again_keeps_one_and_gives_the_younger_its_own_when_the_elder_ends(resolver: Resolver):
    alone = replace(ALL, scope=Scope.POLLING_MAILBOX)
    resolver.settings = Settings(policy=alone, mailbox_owners={}, options={})
    one_by_one(resolver, [resolver.record(copy("one"), mailbox=ANNA), resolver.record(copy("two"), mailbox=SUPPORT)])
    assert {("accepted", "one")} == set(filed(resolver).values())
    stays = resolver.events()[-1]
    assert (["delivery-added", "queued"], ["support"]) == (
        stays["reasons"],
        [ref["id"] for ref in stays["queue_items"]],
    )
    before, told = resolver.dump(), len(resolver.events())
    redecide(resolver)
    assert (before, told) == (resolver.dump(), len(resolver.events()))

    resolver.settings = replace(resolver.settings, policy=replace(alone, force_users=1))
    redecide(resolver)

    found = filed(resolver)
    assert ("accepted", "two") == found["two support"]
    assert "accepted" != found["one anna"][0]
    events = last(resolver)
    assert {"withdrawn", "created"} == {reason for one in events.values() for reason in one["reasons"]}
    assert [] == resolver.rows("SELECT * FROM resolver.joined")


def test_it_is_known_as_filed_by_either_of_its_ids(resolver: Resolver):
    everybody(resolver)
    one_by_one(resolver, [resolver.record(copy("one"), mailbox=ANNA), resolver.record(copy("two"), mailbox=SUPPORT)])

    with psycopg.connect(resolver.url) as connection:
        for name, count in (("one", 1), ("two", 1), ("three", 0)):
            assert count == regardings.filed(connection, keyed_hash(KEY, "id", MessageId(f"{name}@x.example"))), name


def test_the_latest_word_about_an_address_counts_though_each_copy_had_one_when_they_become_one(resolver: Resolver):
    """It is that which counts at once, and it stays so when the mail is decided again for another reason."""
    shop = "shop@both.example"
    resolver.settings = Settings(policy=replace(ALL, unresolve_on_multiple=True), mailbox_owners={}, options={})
    resolver.directory(
        {"type": "contact", "id": "lin", "addresses": [shop]}, {"type": "account", "id": "shop", "addresses": [shop]}
    )
    cc = f"{shop}, new@late.example"
    one_by_one(
        resolver,
        [
            resolver.record(renamed("one", Cc=cc), mailbox=ANNA),
            resolver.record(renamed("two", Cc=cc), mailbox=SUPPORT),
        ],
    )
    for name, record in (("one", "contact/lin"), ("two", "account/shop")):
        say(resolver, command(resolver, "resolve", name, record, only_this=True))
    assert {"one": "lin", "two": "shop"} == behind(resolver)

    one_by_one(resolver, [resolver.record(renamed("two", "one", Cc=cc), mailbox=BEN)])
    assert {"one": "shop"} == behind(resolver)
    resolver.directory({"type": "contact", "id": "new", "addresses": ["new@late.example"]})
    late(resolver)
    assert {"one": "shop"} == behind(resolver)
    say(resolver, command(resolver, "unresolve", "one"))
    assert {"one": ""} == behind(resolver)
    last(resolver)


def test_what_is_filed_again_by_a_redecision_becomes_one_again(resolver: Resolver):
    """Other filters took both copies away; when they are filed again each would have an activity of its own."""
    resolver.settings = Settings(policy=Policy(version=1), mailbox_owners={}, options={})
    one_by_one(
        resolver,
        [resolver.record(renamed("one"), mailbox=SUPPORT), resolver.record(renamed("two", "one"), mailbox=ANNA)],
    )
    assert {("accepted", "one")} == set(filed(resolver).values())
    for queue_default in (4, 0):
        become(resolver, queue_default=queue_default)
        ask(resolver)
        resolver.jobs()

    assert 1 == len(resolver.rows("SELECT id FROM resolver.activity"))
    assert 1 == len(set(filed(resolver).values()))
    last(resolver)
