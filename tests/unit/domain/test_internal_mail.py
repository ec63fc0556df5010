"""Internal mail makes one activity or two: every combination of the switches, senders and recipients (rule 5.1)."""

from itertools import product

import pytest

from services.domain.acceptance import UNNAMED_RANK, Candidate, FilterOption, Outcome
from services.domain.decide import decide
from services.domain.directory import QUEUE, USER, Record, RecordRef
from services.domain.facts import Policy
from services.domain.identity import Direction
from services.domain.internal import InternalMail, left_out
from services.domain.message import Mailbox
from tests.messages import message
from tests.unit.domain.test_decide import ANNA, BEN, RECORDS, SUPPORT, facts

SENDERS = {"a user": {USER}, "a queue": {QUEUE}, "both": {USER, QUEUE}, "a stranger": set[str]()}
ONE = InternalMail(two_activities=False)


def candidate(kind: str) -> Candidate:
    return Candidate(RecordRef(kind, "x"), FilterOption.ALL, UNNAMED_RANK, "x@own.example")


def wanted(sender: str, recipient: str, on: InternalMail, *, opposite: bool) -> bool:
    """The table of domain rule 5.1, as its rows are written."""
    by_user = by_queue = False
    if sender in ("a user", "both"):
        by_user = opposite or not on.detect_opposite
        if recipient == QUEUE and on.keep_to_queues:
            by_user = False
    if sender in ("a queue", "both"):
        by_queue = on.drop_from_queues and opposite
    return not on.two_activities and (by_user or by_queue)


@pytest.mark.parametrize("recipient", [USER, QUEUE])
@pytest.mark.parametrize("sender", SENDERS)
def test_who_is_left_out_by_every_combination_of_the_switches(sender: str, recipient: str):
    one = candidate(recipient)
    for two, detect, keep, drop, opposite in product([True, False], repeat=5):
        on = InternalMail(two_activities=two, detect_opposite=detect, keep_to_queues=keep, drop_from_queues=drop)
        out = left_out([one], on, senders=SENDERS[sender], opposite=opposite)

        assert wanted(sender, recipient, on, opposite=opposite) == (one in out), (on, opposite)


def test_of_an_address_that_a_user_and_a_queue_share_only_the_user_is_left_out():
    user, queue = candidate(USER), candidate(QUEUE)

    assert {user} == left_out([user, queue], ONE, senders={USER}, opposite=True).keys()


BEN_TO_ANNA = message(from_=(Mailbox("", "ben@own.example"),), to=(Mailbox("", "anna@own.example"),))
BEN_TO_BOTH = message(
    from_=(Mailbox("", "ben@own.example"),),
    to=(Mailbox("", "anna@own.example"), Mailbox("", "support@own.example")),
)
ALL = Policy(version=1, force_users=0, internal=ONE)


def test_the_incoming_copy_is_ignored_only_beside_the_outgoing_activity():
    """Domain case 15.13: with one activity the incoming copy is filed where the outgoing one is missing."""
    assert Outcome.ACCEPTED == decide(facts(message=BEN_TO_ANNA, policy=ALL)).outcome
    ignored = decide(facts(message=BEN_TO_ANNA, policy=ALL, opposite=True))
    assert (Outcome.INTERNAL_IGNORED, None) == (ignored.outcome, ignored.acceptor)
    assert ["it is a user's mail, and filed as outgoing already"] == [one.why for one in ignored.looked]


def test_with_two_activities_both_are_filed():
    """Domain case 15.13."""
    policy = Policy(version=1, force_users=0)

    assert Outcome.ACCEPTED == decide(facts(message=BEN_TO_ANNA, policy=policy, opposite=True)).outcome


@pytest.mark.parametrize(("drop", "expected"), [(True, Outcome.INTERNAL_IGNORED), (False, Outcome.ACCEPTED)])
def test_a_queues_mail_to_a_user_is_left_out_beside_the_outgoing_activity_only_by_its_switch(drop, expected):
    """Domain case 15.14."""
    sent = message(from_=(Mailbox("", "support@own.example"),), to=(Mailbox("", "anna@own.example"),))
    internal = InternalMail(two_activities=False, drop_from_queues=drop)
    policy = Policy(version=1, force_users=0, internal=internal)

    assert expected == decide(facts(message=sent, policy=policy, opposite=True)).outcome
    assert Outcome.ACCEPTED == decide(facts(message=sent, policy=policy, opposite=False)).outcome


def test_the_queue_takes_it_where_the_user_is_left_out():
    decision = decide(facts(message=BEN_TO_BOTH, policy=ALL, opposite=True))

    assert decision.acceptor is not None
    assert SUPPORT == decision.acceptor.ref
    assert [SUPPORT] == [one.ref for one in decision.accepting]


def test_a_queue_that_takes_nothing_files_nothing():
    decision = decide(facts(message=BEN_TO_BOTH, policy=ALL, opposite=True, options={SUPPORT: 4}))

    assert Outcome.INTERNAL_IGNORED == decision.outcome


def test_what_a_person_has_flagged_is_filed_beside_the_outgoing_activity():
    decision = decide(facts(message=BEN_TO_ANNA, policy=ALL, opposite=True, tracked_by="keyword"))

    assert decision.acceptor is not None
    assert (Outcome.ACCEPTED, ANNA) == (decision.outcome, decision.acceptor.ref)


def test_the_senders_copy_is_no_incoming_one():
    sent = facts(
        message=BEN_TO_ANNA, policy=ALL, direction=Direction.OUTGOING, mailbox="ben@own.example", opposite=True
    )

    assert Outcome.ACCEPTED == decide(sent).outcome


def test_a_disabled_user_sends_no_internal_mail():
    gone = {"ben@own.example": Record(BEN, "Ben", None, False, 2)}
    directory = {address: (record,) for address, record in (RECORDS | gone).items()}

    assert Outcome.ACCEPTED == decide(
        facts(message=BEN_TO_ANNA, policy=ALL, opposite=True, directory=directory)
    ).outcome  # fmt: skip
