"""Internal mail as one activity, and queue items, on a real database: the same end whatever came first."""

from itertools import chain, permutations
from typing import Any

import pytest

from services.domain.facts import Policy
from services.domain.internal import InternalMail
from services.domain.queue_items import QueueItems
from services.resolver.settings import Settings
from tests.component.resolver.conftest import Resolver, mail

pytestmark = pytest.mark.component

ANNA, BEN, SUPPORT = "anna@own.example", "ben@own.example", "support@own.example"
TO_BOTH = f"{ANNA}, {SUPPORT}"
ORDERS = list(permutations(range(4)))
DECIDED = """
    SELECT split_part(split_part(m.message_id, '@', 1), '-', 2)::int, split_part(m.message_id, '-', 1), d.mailbox,
        x.outcome, x.accepted_id, a.direction, a.owner_id, a.accepted_id, a.method, c.direction,
        ARRAY(SELECT q.queue_id FROM resolver.queue_item q WHERE q.activity_id = a.id ORDER BY 1),
        ARRAY(SELECT p.role || p.address || p.records::text FROM resolver.party p WHERE p.activity_id = a.id ORDER BY 1)
    FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id
    JOIN resolver.message m USING (message_key)
    LEFT JOIN resolver.activity a ON a.id = x.activity_id LEFT JOIN resolver.activity c ON c.id = a.correlated
    WHERE x.current ORDER BY 1, 2, 3
"""


def switch(resolver: Resolver, *, items: QueueItems | None = None, **switches: bool) -> None:
    """Have one activity made of internal mail, and users take all mail."""
    internal = InternalMail(two_activities=False, **switches)
    policy = Policy(version=1, force_users=0, internal=internal, queue_items=items or QueueItems())
    resolver.settings = Settings(policy=policy, mailbox_owners={}, options={})


def copies(resolver: Resolver, number: int = 0, *, to: str = ANNA) -> list[bytes]:
    """The copy in Ben's Sent, those in Anna's inbox and in the queue's, and an answer of Kim's."""
    raw = mail(f"one-{number}", to=to, From="Ben <ben@own.example>")
    return [
        resolver.record(raw, mailbox=BEN, folder="Sent"),
        resolver.record(raw, mailbox=ANNA),
        resolver.record(raw, mailbox=SUPPORT),
        resolver.record(mail(f"answer-{number}", to=ANNA, answers=[f"one-{number}"])),
    ]


def decided(resolver: Resolver) -> dict[int, list[tuple[Any, ...]]]:
    """What became of each delivery and its activity, by the order in which that copy came."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for number, *row in resolver.rows(DECIDED):
        found.setdefault(number, []).append(tuple(row))
    return found


def told(resolver: Resolver) -> dict[str, dict[str, Any]]:
    """The last event of each activity; versions rise by one."""
    found: dict[str, dict[str, Any]] = {}
    for event in resolver.events():
        before = found.get(event["activity_id"])
        assert (before["version"] if before else 0) + 1 == event["version"]
        found[event["activity_id"]] = event
    return found


def check_told(resolver: Resolver) -> None:
    """The last event of each activity says what is stored, and of one that has ended, in which."""
    events = told(resolver)
    stored = resolver.rows(
        "SELECT a.id::text, ARRAY(SELECT queue_id FROM resolver.queue_item q WHERE q.activity_id = a.id ORDER BY 1),"
        " (SELECT count(*) FROM resolver.decision x WHERE x.current AND x.activity_id = a.id) FROM resolver.activity a"
    )
    assert {(activity, tuple(items), places) for activity, items, places in stored} == {
        (activity, tuple(ref["id"] for ref in event["queue_items"]), len(event["deliveries"]))
        for activity, event in events.items()
        if event["merged_into"] is None
    }
    live = {activity for activity, _, _ in stored}
    assert {event["merged_into"] for event in events.values()} - {None} <= live


@pytest.mark.parametrize("size", [1, 4], ids=["one by one", "in one batch"])
@pytest.mark.parametrize(
    ("to", "keep_to_queues", "stays"),
    [
        pytest.param(ANNA, False, set(), id="nothing stays"),
        pytest.param(ANNA, True, {"support"}, id="the polled queue's stays"),
        pytest.param(TO_BOTH, True, {"support"}, id="the named queue's stays"),
    ],
)
def test_the_end_is_the_same_in_every_order_and_under_redelivery(
    resolver: Resolver, to: str, keep_to_queues, stays: set[str], size: int
):
    switch(resolver, keep_to_queues=keep_to_queues)
    records = [copies(resolver, number, to=to) for number in range(len(ORDERS))]
    turns = [[records[number][order[turn]] for number, order in enumerate(ORDERS)] for turn in range(4)]
    for start in range(0, 4, size):
        resolver.resolve(*chain(*turns[start : start + size]))
        resolver.jobs()

    ends = decided(resolver)
    assert len(ORDERS) == len(ends)
    for number, order in enumerate(ORDERS):
        assert ends[0] == ends[number], f"in the order {order}"
    of_it = [row for row in ends[0] if row[0] == "one"]
    assert {"outgoing"} | ({"incoming"} if stays else set()) == {row[4] for row in of_it} - {None}
    assert stays == {name for row in of_it for name in row[9]}
    assert 1 == len([row for row in of_it if row[4] == "outgoing"])
    check_told(resolver)
    before, events = resolver.dump(), len(resolver.events())
    resolver.resolve(*chain(*reversed(turns)))
    resolver.jobs()
    assert before == resolver.dump()
    assert events == len(resolver.events())


def test_an_activity_that_has_ended_comes_back_with_a_higher_version(resolver: Resolver):
    """A person flags Anna's copy after it was merged into what Ben has sent."""
    switch(resolver)
    sent, anna, *_ = copies(resolver)
    resolver.resolve(anna)
    resolver.resolve(sent)
    resolver.jobs()
    ended = [event for event in told(resolver).values() if event["merged_into"]]
    assert [(["merged"], 2)] == [(event["reasons"], event["version"]) for event in ended]

    raw = mail("one-0", to=ANNA, From="Ben <ben@own.example>")
    resolver.resolve(resolver.record(raw, mailbox=ANNA, tracked_by="keyword"))
    resolver.jobs()

    back = told(resolver)[ended[0]["activity_id"]]
    assert (["created"], 3, None) == (back["reasons"], back["version"], back["merged_into"])
    check_told(resolver)


def test_what_a_person_has_set_goes_over_to_the_outgoing_activity(resolver: Resolver):
    switch(resolver)
    sent, anna, *_ = copies(resolver)
    resolver.resolve(anna)
    resolver.regarding("account/x")
    resolver.resolve(sent)
    resolver.jobs()

    assert [("outgoing", "x", "manual")] == resolver.rows(
        "SELECT direction, regarding_id, regarding_source FROM resolver.activity"
    )
    check_told(resolver)


def test_with_two_activities_both_stay(resolver: Resolver):
    resolver.settings = Settings(policy=Policy(version=1, force_users=0), mailbox_owners={}, options={})
    for record in copies(resolver)[:2]:
        resolver.resolve(record)
    resolver.jobs()

    assert [("incoming",), ("outgoing",)] == resolver.rows("SELECT direction FROM resolver.activity ORDER BY 1")


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param(QueueItems(), [], id="off"),
        pytest.param(QueueItems(for_already_tracked=True), [("support",)], id="on"),
    ],
)
def test_a_queue_that_gets_a_tracked_mail_later_gets_an_item_only_by_the_switch(
    resolver: Resolver, items: QueueItems, expected: list[tuple[str]]
):
    """With the switch the order is no matter; without it, the mail is the queue's work only where it came first."""
    switch(resolver, items=items)
    raw = mail("one", to=ANNA)
    for mailbox in (ANNA, SUPPORT):
        resolver.resolve(resolver.record(raw, mailbox=mailbox))
        resolver.jobs()

    assert expected == resolver.rows("SELECT queue_id FROM resolver.queue_item")
    check_told(resolver)
