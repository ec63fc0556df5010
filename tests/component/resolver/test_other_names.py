"""Mails that are found under other names than their id, and by their place under a Thread-Index."""

import base64
from collections.abc import Sequence
from itertools import permutations

import pytest

from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.resolver.settings import Settings
from tests.component.resolver.conftest import Resolver, mail

pytestmark = pytest.mark.component

ANNA, SUPPORT = "anna@own.example", "support@own.example"
ROOT = bytes.fromhex("01da71727c81") + bytes(range(1, 17))
CASES = {"folder-rule/one": RecordRef("case", "1"), "folder-rule/two": RecordRef("case", "2")}


def index(*blocks: int) -> str:
    return base64.b64encode(ROOT + b"".join(b"\0\0\0\0" + bytes([one]) for one in blocks)).decode()


def answers(resolver: Resolver) -> dict[str, tuple[str, str | None]]:
    """Method and correlated message of each message with a current decision, by the first part of its id."""
    rows = resolver.rows(
        "SELECT DISTINCT split_part(m.message_id, '@', 1), x.method, split_part(t.message_id, '@', 1)"
        " FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id"
        " JOIN resolver.message m USING (message_key) LEFT JOIN resolver.message t ON t.message_key = x.correlated"
        " WHERE x.current"
    )
    return {name: (method, answered) for name, method, answered in rows}


def in_order(resolver: Resolver, values: Sequence[bytes]) -> None:
    for value in values:
        resolver.resolve(value)
        resolver.jobs()


THREAD = {
    "root": mail("root", Thread_Index=index()),
    "a": mail("a", to=ANNA, Thread_Index=index(1)),
    "b": mail("b", to=ANNA, Thread_Index=index(1, 1)),
    "c": mail("c", to=ANNA, Thread_Index=index(2)),
    "stranger": mail("stranger", to=ANNA, From="x@elsewhere.example", Thread_Index=index(3)),
}


@pytest.mark.parametrize("order", list(permutations(THREAD))[::17], ids="-".join)
def test_a_thread_index_gives_the_parent_whatever_the_order(resolver: Resolver, order: Sequence[str]):
    """The longest value that begins one's own is the parent's; without common people it counts for nothing."""
    in_order(resolver, [resolver.record(THREAD[name]) for name in order])

    found = answers(resolver)
    assert ("None", None) == found["root"]
    assert [("ConversationIndex", one) for one in ("root", "a", "root")] == [found[one] for one in "abc"]
    parents = resolver.rows("SELECT count(*) FROM resolver.activity WHERE parent = correlated")
    assert [(len(found) - 1 - (found["stranger"][0] == "None"),)] == parents


def test_a_thread_index_in_one_batch_ends_the_same(resolver: Resolver):
    resolver.resolve(*(resolver.record(THREAD[name]) for name in ("c", "b", "stranger", "a", "root")))
    resolver.jobs()

    assert [("ConversationIndex", one) for one in ("root", "a", "root")] == [answers(resolver)[one] for one in "abc"]


def test_a_thread_index_that_is_none_is_no_evidence(resolver: Resolver):
    resolver.resolve(resolver.record(mail("odd", Thread_Index="!!! no base64 " + "A" * 5_000)))

    assert [(0,)] == resolver.rows("SELECT count(*) FROM resolver.evidence")


GMAIL = {"X-Gmail-Original-Message-ID": "<first@x.example>"}
RENAMED = {
    "second": mail("second", **GMAIL),
    "answer": mail("answer", answers=["first"], to=ANNA),
}


@pytest.mark.parametrize("order", list(permutations(RENAMED)), ids="-".join)
@pytest.mark.parametrize("header", ["X-Gmail-Original-Message-ID", "X-Microsoft-Original-Message-ID"])
def test_an_answer_to_the_id_that_a_mail_had_before_answers_the_mail(resolver: Resolver, order, header):
    raw = {name: one.replace(b"X-Gmail-Original-Message-ID", header.encode()) for name, one in RENAMED.items()}
    in_order(resolver, [resolver.record(raw[name]) for name in order])

    assert ("InReplyTo", "second") == answers(resolver)["answer"]


# A relay gave the copy that Anna got another id; the copy in Sent, which is tracked, has the first one.
SENT = mail("sent", From=SUPPORT, to=f"kim@customer.example, {ANNA}", Subject="Offer 7")
RELAYED = mail(
    "relayed", From=SUPPORT, to=f"kim@customer.example, {ANNA}", Subject="Offer 7", References="<sent@x.example>"
).replace(b"from relayed", b"from sent")
REPLY = mail("reply", answers=["relayed"], Subject="Re: Offer 7")


@pytest.mark.parametrize("order", list(permutations(["sent", "relayed", "reply"])), ids="-".join)
def test_an_answer_to_the_id_that_a_relay_gave_answers_the_sent_mail(resolver: Resolver, order):
    """The same content under two ids is one mail; it does not answer itself either."""
    resolver.settings = Settings(policy=Policy(version=1, user_default=4), mailbox_owners={}, options={})
    values = {
        "sent": resolver.record(SENT, mailbox=SUPPORT, folder="Sent"),
        "relayed": resolver.record(RELAYED, mailbox=ANNA),
        "reply": resolver.record(REPLY),
    }
    in_order(resolver, [values[name] for name in order])

    found = answers(resolver)
    assert ("None", None) == found["relayed"]
    assert ("InReplyTo", "sent") == found["reply"]


def test_one_id_with_two_contents_is_kept_apart_flagged_and_asked_about(resolver: Resolver):
    """The real mail and the forged one both stay; an answer from somebody of neither cannot tell which is meant."""
    forged = mail("root", From="Mallory <mallory@evil.example>")
    answer = mail("answer", answers=["root"], From="lee@partner.example")
    in_order(resolver, [resolver.record(mail("root")), resolver.record(forged), resolver.record(answer)])

    assert [(2,)] == resolver.rows("SELECT count(*) FROM resolver.message WHERE flagged")
    assert ("None", None) == answers(resolver)["answer"]
    assert [("ambiguous", 2)] == resolver.rows("SELECT kind, count(*) FROM resolver.review GROUP BY kind")


@pytest.mark.parametrize("related", [False, True])
def test_one_mail_that_cites_two_records_asks_a_person_unless_they_are_related(resolver: Resolver, *, related: bool):
    """The nearest gives the record; what was bridged before by another mail is no contradiction."""
    resolver.settings = Settings(policy=Policy(version=1), mailbox_owners={}, options={}, rules=CASES)
    resolver.resolve(resolver.record(mail("one"), tracked_by="folder-rule/one"))
    two = mail("two", answers=["one"] if related else [])
    resolver.resolve(resolver.record(two, tracked_by="folder-rule/two"))
    resolver.resolve(resolver.record(mail("both", answers=["one", "two"])))

    assert ("InReplyTo", "two") == answers(resolver)["both"]
    asked = resolver.rows(
        "SELECT r.kind, m.message_id FROM resolver.review r JOIN resolver.message m ON m.message_key = r.target"
    )
    assert asked == ([] if related else [("contradiction", "one@x.example")])
    ((regarding,),) = resolver.rows("SELECT regarding_id FROM resolver.activity WHERE subject = 'Mail both'")
    assert "2" == regarding


def test_a_question_ends_when_a_later_decision_does_not_ask_it(resolver: Resolver):
    resolver.settings = Settings(policy=Policy(version=1), mailbox_owners={}, options={}, rules=CASES)
    for name in ("one", "two"):
        resolver.resolve(resolver.record(mail(name), tracked_by=f"folder-rule/{name}"))
    resolver.resolve(resolver.record(mail("both", answers=["one", "two"])))
    resolver.regarding("case/1")
    resolver.jobs()

    assert [("superseded",)] == resolver.rows("SELECT state FROM resolver.review")
    assert [("accepted", 2)] == resolver.rows(
        "SELECT x.outcome, x.version FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id"
        " JOIN resolver.message m USING (message_key) WHERE x.current AND m.message_id LIKE 'both%%'"
    )


def test_another_subject_is_marked_on_the_activity_and_in_its_event(resolver: Resolver):
    quoted = mail("quoted", answers=["root"], Subject="Invoice") + b"\r\n\r\n> Hello from root\r\n"
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(mail("branch", answers=["root"], Subject="Invoice")), resolver.record(quoted))

    told = {event["message_id"].partition("@")[0]: event["correlation"] for event in resolver.events()}
    assert (None, True, True) == (told["root"], told["branch"]["subject_changed"], told["branch"]["branch"])
    assert (True, False) == (told["quoted"]["subject_changed"], told["quoted"]["branch"])
    assert [("joins", "direct-parent", 1.0), ("branches", "direct-parent", 1.0)] == sorted(
        resolver.rows("SELECT effect, rule, confidence FROM resolver.decision WHERE method = 'InReplyTo'"), reverse=True
    )
