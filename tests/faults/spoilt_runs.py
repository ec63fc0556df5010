"""The clean run with one thing wrong in each case: what the judge must call it, and words of what it must say."""

from collections.abc import Callable
from dataclasses import replace

from tests.faults.anomalies import Kind
from tests.faults.clean_run import QUEUE, REFUSED
from tests.faults.history import Place
from tests.faults.mails import ACCEPTED, DUPLICATE, INBOX
from tests.faults.state import Activity, Moved, Record, State, Taken


def topic(changed: State, name: str, *records: Record) -> State:
    return replace(changed, topics={**changed.topics, name: [*records]})


def more(changed: State, name: str, *records: Record) -> State:
    return topic(changed, name, *changed.records(name), *records)


def changed_again(activity: str) -> Callable[[State], State]:
    def change(clean: State) -> State:
        newer = [replace(one, version=2) if one.id == activity else one for one in clean.activities]
        return replace(clean, activities=newer)

    return change


ROOTS = "a-root-incoming"
SPOILT: dict[str, tuple[Kind, str, Callable[[State], State]]] = {
    "never taken": (Kind.LOST_WRITE, "never taken", lambda s: replace(s, taken=s.taken[1:])),
    "no decision": (Kind.LOST_WRITE, "has no decision", lambda s: replace(s, decisions=s.decisions[1:])),
    "no activity": (Kind.LOST_WRITE, "has no incoming activity", lambda s: replace(s, activities=s.activities[1:])),
    "no party": (Kind.LOST_WRITE, "lacks from", lambda s: replace(s, parties=s.parties[1:])),
    "no queue item": (
        Kind.LOST_WRITE,
        "has no item for queue support",
        lambda s: replace(s, queue_items=s.queue_items[1:]),
    ),
    "no event": (
        Kind.LOST_WRITE,
        "version 1 of activity",
        lambda s: topic(s, "activity-events", *s.records("activity-events")[1:]),
    ),
    "no event of the last version": (Kind.LOST_WRITE, "version 2 of activity", changed_again(ROOTS)),
    "decision not told": (
        Kind.LOST_WRITE,
        "of delivery d0 was never told",
        lambda s: topic(s, "mail-decided", *s.records("mail-decided")[1:]),
    ),
    "request not told": (Kind.LOST_WRITE, "version 1 of request r0", lambda s: topic(s, "record-requests")),
    "merge not applied": (Kind.LOST_WRITE, "is torn", lambda s: replace(s, threads=[*s.threads[1:], ("k-root", 9)])),
    "dead letter not announced": (Kind.LOST_WRITE, "never announced", lambda s: topic(s, "mail-received-dead")),
    "not drained in time": (
        Kind.UNSEEN,
        "has no decision",
        lambda s: replace(s, quiet=False, decisions=s.decisions[1:]),
    ),
    "not committed": (
        Kind.UNSEEN,
        "is not committed",
        lambda s: replace(s, committed={**s.committed, ("mail-correlated", 1): 1}),
    ),
    "a record asked for twice": (
        Kind.DUPLICATE,
        "of request r0 was told differently",
        lambda s: more(s, "record-requests", Record(0, 1, "r0", 1, digest="other")),
    ),
    "two activities": (
        Kind.DUPLICATE,
        "2 incoming activities",
        lambda s: replace(s, activities=[*s.activities, replace(s.activities[0], id="another")]),
    ),
    "one activity twice": (
        Kind.DUPLICATE,
        "activity a-root",
        lambda s: replace(s, activities=[*s.activities, s.activities[0]]),
    ),
    "a party twice": (Kind.DUPLICATE, "2 parties", lambda s: replace(s, parties=[*s.parties, s.parties[0]])),
    "a queue item twice": (
        Kind.DUPLICATE,
        "2 items of queue support",
        lambda s: replace(s, queue_items=[*s.queue_items, s.queue_items[0]]),
    ),
    "two current decisions": (
        Kind.DUPLICATE,
        "2 current decisions",
        lambda s: replace(s, decisions=[*s.decisions, replace(s.decisions[0], version=2)]),
    ),
    "two deliveries of one copy": (
        Kind.DUPLICATE,
        "2 deliveries of root",
        lambda s: replace(s, taken=[*s.taken, replace(s.taken[0], delivery="d99", place=Place(QUEUE, INBOX, 7, 99))]),
    ),
    "both copies answered": (
        Kind.DUPLICATE,
        "2 answers",
        lambda s: replace(
            s,
            decisions=[
                replace(one, outcome=ACCEPTED, activity="a-copied-incoming") if one.outcome == DUPLICATE else one
                for one in s.decisions
            ],
        ),
    ),
    "a delivery stored twice": (
        Kind.DUPLICATE,
        "delivery of the resolver",
        lambda s: replace(s, stored=[*s.stored, s.stored[0]]),
    ),
    "two open alerts": (
        Kind.DUPLICATE,
        "2 open alerts",
        lambda s: replace(s, alerts=[*s.alerts, replace(s.alerts[1], id="al9")]),
    ),
    "an alert twice": (Kind.DUPLICATE, "alert al1", lambda s: replace(s, alerts=[*s.alerts, s.alerts[1]])),
    "no alert": (
        Kind.LOST_WRITE,
        "there is no alert",
        lambda s: replace(s, alerts=[replace(one, open=False) for one in s.alerts]),
    ),
    "no alert for dead letters": (
        Kind.LOST_WRITE,
        "for the dead letters of mail-received",
        lambda s: replace(s, alerts=s.alerts[1:]),
    ),
    "an alert that was not told": (
        Kind.LOST_WRITE,
        "version 2 of alert al2",
        lambda s: topic(s, "alert-events", *s.records("alert-events")[:-1]),
    ),
    "an alert that outlives its cause": (
        Kind.UNEXPECTED,
        "was cleared",
        lambda s: replace(s, alerts=[replace(one, open=True) for one in s.alerts]),
    ),
    "an alert of a mailbox that is well": (
        Kind.UNEXPECTED,
        "its mailbox is read",
        lambda s: replace(s, alerts=[replace(one, open=True) for one in s.alerts]),
    ),
    "a signal without effect": (
        Kind.POLL_SKIP,
        "tells of fault/1-0",
        lambda s: replace(s, alerts=[s.alerts[0], *s.alerts[2:]]),
    ),
    "a dead letter twice": (Kind.DUPLICATE, "dead letter (", lambda s: replace(s, dead=[*s.dead, *s.dead])),
    "a version told differently": (
        Kind.DUPLICATE,
        "told differently",
        lambda s: more(s, "activity-events", Record(0, 50, ROOTS, 1, digest="other")),
    ),
    "a refused mail taken": (
        Kind.ABORTED_READ,
        "where appending it failed",
        lambda s: replace(s, taken=[*s.taken, Taken("d98", Place(QUEUE, "Nowhere", 7, 98), REFUSED.sha256)]),
    ),
    "a queue item of nothing": (
        Kind.ABORTED_READ,
        "belongs to activity ghost",
        lambda s: replace(s, queue_items=[*s.queue_items, ("ghost", "support")]),
    ),
    "an activity of nothing": (
        Kind.ABORTED_READ,
        "activity ghost",
        lambda s: replace(s, activities=[*s.activities, Activity("ghost", "k-ghost", "incoming", 1)]),
    ),
    "a version told and not stored": (
        Kind.ABORTED_READ,
        "is not stored",
        lambda s: more(s, "activity-events", Record(0, 50, ROOTS, 2, digest="x")),
    ),
    "a dead letter announced and not kept": (Kind.ABORTED_READ, "and is none", lambda s: replace(s, dead=[])),
    "two contents at a place": (
        Kind.INCONSISTENT,
        "2 contents at",
        lambda s: replace(s, stored=[replace(s.stored[0], sha256="0" * 64), *s.stored[1:]]),
    ),
    "a content that nobody appended": (
        Kind.INCONSISTENT,
        "nobody appended",
        lambda s: replace(s, taken=[*s.taken, Taken("d97", Place(QUEUE, INBOX, 7, 97), "0" * 64)]),
    ),
    "a delivery sent with two contents": (
        Kind.INCONSISTENT,
        "sent with two contents",
        lambda s: more(s, "mail-received", Record(0, 0, "d0", more="0" * 64)),
    ),
    "an event that says something else": (
        Kind.INCONSISTENT,
        "the event says",
        lambda s: topic(s, "mail-decided", *(replace(one, more="NoSuch") for one in s.records("mail-decided"))),
    ),
    "an input without output": (
        Kind.POLL_SKIP,
        "without a result",
        lambda s: topic(s, "mail-correlated", *s.records("mail-correlated")[1:]),
    ),
    "poison that vanished": (
        Kind.POLL_SKIP,
        "the poison at",
        lambda s: replace(topic(s, "mail-received-dead"), dead=[]),
    ),
    "a merge notice without effect": (
        Kind.POLL_SKIP,
        "tells of 77",
        lambda s: more(s, "mail-correlated", Record(1, 0, "77")),
    ),
    "versions out of order": (
        Kind.NONMONOTONIC,
        "first told after",
        lambda s: more(s, "activity-events", Record(1, 0, "b", 2, digest="2"), Record(1, 1, "b", 1, digest="1")),
    ),
    "a cursor that went back": (
        Kind.NONMONOTONIC,
        "back to 2",
        lambda s: replace(s, moves=[*s.moves, Moved(QUEUE, INBOX, 7, 3, 2)]),
    ),
    "another outcome": (
        Kind.UNEXPECTED,
        "not NoCorrelationMatch",
        lambda s: replace(
            s,
            decisions=[
                replace(one, outcome="NoRecipientMatch") if one.outcome == "NoCorrelationMatch" else one
                for one in s.decisions
            ],
        ),
    ),
    "an activity the other way": (
        Kind.UNEXPECTED,
        "an outgoing activity",
        lambda s: replace(s, activities=[*s.activities, Activity("b", "k-root", "outgoing", 1)]),
    ),
    "a party that is not named": (
        Kind.UNEXPECTED,
        "mallory",
        lambda s: replace(s, parties=[*s.parties, (ROOTS, "cc", "mallory@elsewhere.example")]),
    ),
    "an item for a queue that is not named": (
        Kind.UNEXPECTED,
        "an item for queue sales",
        lambda s: replace(s, queue_items=[*s.queue_items, (ROOTS, "sales")]),
    ),
    "threads joined": (
        Kind.UNEXPECTED,
        "holds the threads",
        lambda s: replace(s, threads=[*s.threads[:2], ("k-copied", 1)]),
    ),
    "only duplicates": (
        Kind.UNEXPECTED,
        "no copy that is no duplicate",
        lambda s: replace(s, decisions=[replace(s.decisions[0], outcome=DUPLICATE), *s.decisions[1:]]),
    ),
    "a dead letter announced twice and differently": (
        Kind.INCONSISTENT,
        "2 different announcements",
        lambda s: more(s, "mail-received-dead", Record(0, 1, s.records("mail-received-dead")[0].about, digest="y")),
    ),
    "a mail among the dead letters": (
        Kind.UNEXPECTED,
        "is a dead letter",
        lambda s: replace(s, dead=[*s.dead, ("mail-correlated", 1, 0)]),
    ),
}
