"""The decision about one delivery, all rules together (domain rules 2, 3, 4)."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.domain.acceptance import Outcome, Scope
from services.domain.activity import shape
from services.domain.correlation import Method, Pointer, Target, TrackedAs
from services.domain.decide import Decision, decide
from services.domain.directory import Record, RecordRef
from services.domain.facts import Facts, Policy
from services.domain.identity import Direction
from services.domain.message import Mailbox, ParseOutcome
from services.domain.parties import Role
from services.domain.regardings import Regarding, Source
from tests.messages import message

ANNA, BEN = RecordRef("user", "anna"), RecordRef("user", "ben")
SUPPORT = RecordRef("queue", "support")
KIM = RecordRef("contact", "kim")
TO_SUPPORT = (Mailbox("", "support@own.example"),)

RECORDS = {
    "anna@own.example": Record(ANNA, "Anna", None, True, 1),
    "ben@own.example": Record(BEN, "Ben", None, True, 2),
    "support@own.example": Record(SUPPORT, "Support", BEN, True, 3),
    "kim@customer.example": Record(KIM, "Kim", ANNA, True, 4),
}
PARENT = Pointer(
    "in_reply_to",
    "parent@x",
    0,
    False,
    (Target(UUID(int=7), "parent@x", (TrackedAs(UUID(int=8), Direction.OUTGOING, (), None),), frozenset()),),
)
ASKED = UUID(int=9)


def facts(**fields) -> Facts:
    given = {
        "message": message(),
        "direction": Direction.INCOMING,
        "mailbox": "anna@own.example",
        "duplicate": False,
        "pointers": (),
        "directory": {address: (record,) for address, record in RECORDS.items()},
        "records": {record.ref: record for record in RECORDS.values()},
        "mailbox_owners": {},
        "options": {},
        "policy": Policy(version=1),
    }
    return Facts(**{**given, **fields})


def acceptor(decision: Decision) -> RecordRef:
    assert decision.acceptor is not None
    return decision.acceptor.ref


def test_a_user_gets_responses_only_unless_told_otherwise():
    assert Outcome.NO_CORRELATION_MATCH == decide(facts()).outcome
    assert Outcome.ACCEPTED == decide(facts(pointers=(PARENT,))).outcome


def test_a_duplicate_asks_nothing_again():
    """Its earlier delivery has opened the reviews."""
    both = Pointer(
        "in_reply_to", "parent@x", 0, False, (*PARENT.targets, replace(PARENT.targets[0], message_key=ASKED))
    )

    assert decide(facts(pointers=(both,))).correlation.reviews
    assert () == decide(facts(pointers=(both,), duplicate=True)).correlation.reviews


@pytest.mark.parametrize("by", ["keyword", "folder-rule/a"])
def test_what_a_person_has_tracked_is_accepted_whatever_the_filters_say(by):
    nothing = Policy(version=1, force_users=4)

    assert Outcome.NO_CORRELATION_MATCH == decide(facts(policy=nothing)).outcome
    tracked = decide(facts(policy=nothing, tracked_by=by))
    assert (Outcome.ACCEPTED, ANNA) == (tracked.outcome, acceptor(tracked))
    assert [("tracked", by, True)] == [(one.kind, one.value, one.counts) for one in tracked.looked if one.counts]


def test_what_is_tracked_in_a_mailbox_goes_to_its_owner_before_those_the_header_names():
    to_ben = message(to=(Mailbox("", "ben@own.example"),))

    assert ANNA == acceptor(decide(facts(message=to_ben, tracked_by="keyword")))


def test_where_no_user_or_queue_is_behind_anything_even_tracked_mail_has_nobody_to_take_it():
    nobody = facts(directory={}, records={}, tracked_by="keyword")

    assert Outcome.NO_RECIPIENT_MATCH == decide(nobody).outcome


def test_the_rule_of_a_folder_gives_its_record_with_the_mailbox_and_the_rule():
    given = facts(pointers=(PARENT,), tracked_by="folder-rule/a", folder_record=KIM)

    found = shape(given, decide(given).correlation, ANNA).folder
    assert Regarding(KIM, Source.FOLDER, "anna@own.example", "folder-rule/a") == found


BOTH_TO = message(to=(*message().to, *TO_SUPPORT))
OWN_FILTERS = {ANNA: 1, SUPPORT: 0}


def test_a_queue_on_the_to_line_accepts_what_was_found_in_a_users_mailbox():
    """Domain case 15.7: the user takes responses only, the queue takes all."""
    decision = decide(facts(message=BOTH_TO, mailbox="anna@own.example", options=OWN_FILTERS))

    assert (Outcome.ACCEPTED, SUPPORT) == (decision.outcome, acceptor(decision))
    assert [SUPPORT] == [one.ref for one in decision.accepting]


def test_with_the_polled_mailbox_alone_asked_it_does_not():
    """Domain case 15.8."""
    policy = Policy(version=1, scope=Scope.POLLING_MAILBOX)
    decision = decide(facts(message=BOTH_TO, options=OWN_FILTERS, policy=policy))

    assert (Outcome.NO_CORRELATION_MATCH, None) == (decision.outcome, decision.acceptor)


@pytest.mark.parametrize(
    ("option", "expected"), [(0, Outcome.ACCEPTED), (1, Outcome.NO_RECIPIENT_MATCH), (4, Outcome.NO_RECIPIENT_MATCH)]
)
def test_a_mail_that_names_nobody_depends_on_the_mailbox_it_was_found_in(option, expected):
    """Domain case 15.9: blind copies and lists."""
    hidden = message(to=(Mailbox("", "undisclosed@list.example"),))

    assert expected == decide(facts(message=hidden, options={ANNA: option})).outcome


def test_an_address_that_a_user_shares_with_a_contact_still_reaches_the_user():
    """Domain case 15.10: where the product rejects this mail, here only the party is shown unresolved."""
    shared = {
        **{address: (record,) for address, record in RECORDS.items()},
        "anna@own.example": (RECORDS["anna@own.example"], RECORDS["kim@customer.example"]),
    }
    given = facts(directory=shared, options={ANNA: 0}, policy=Policy(version=1, unresolve_on_multiple=True))
    decision = decide(given)

    assert Outcome.ACCEPTED == decision.outcome
    form = shape(given, decision.correlation, acceptor(decision))
    assert [()] == [p.records for p in form.parties if p.role == Role.TO]


def test_a_mailbox_whose_owner_is_set_reaches_that_owner_by_its_address():
    given = facts(
        message=message(to=(Mailbox("", "Sales@own.example"),)),
        mailbox="sales@own.example",
        mailbox_owners={"sales@own.example": SUPPORT},
    )

    assert SUPPORT == acceptor(decide(given))


def test_a_disabled_user_is_not_asked():
    off = Record(ANNA, "Anna", None, False, 1)
    given = facts(directory={"anna@own.example": (off,)}, records={ANNA: off}, options={ANNA: 0})

    assert Outcome.NO_RECIPIENT_MATCH == decide(given).outcome


def test_a_copy_in_the_same_folder_is_a_duplicate():
    assert Outcome.DUPLICATE == decide(facts(duplicate=True, options={ANNA: 0})).outcome


def test_a_mail_over_the_limit_is_too_large_whatever_it_says():
    assert Outcome.TOO_LARGE == decide(facts(message=message(outcome=ParseOutcome.TOO_LARGE))).outcome


def test_sent_mail_is_judged_by_whom_it_went_to():
    sent = message(from_=(Mailbox("", "anna@own.example"),), to=(Mailbox("", "kim@customer.example"),))
    given = facts(message=sent, direction=Direction.OUTGOING, options={ANNA: 2})
    decision = decide(given)

    assert ANNA == acceptor(decision)
    assert ANNA == shape(given, decision.correlation, ANNA).owner
    assert ["mailbox"] == [x.value for x in decision.looked]


def test_only_an_answer_by_in_reply_to_has_a_parent():
    given = facts(pointers=(PARENT,))
    by_reference = facts(pointers=(Pointer("references", "parent@x", 0, False, PARENT.targets),))

    assert shape(given, decide(given).correlation, ANNA).parent
    assert not shape(by_reference, decide(by_reference).correlation, ANNA).parent
    assert Method.REFERENCES == decide(by_reference).correlation.method


def test_parties_name_every_participant_once_with_its_record():
    written = message(
        to=(Mailbox("A", "ANNA@own.example"), Mailbox("again", "anna@own.example")),
        cc=(Mailbox("", "stranger@nowhere.example"),),
    )
    given = facts(message=written, options={ANNA: 0})
    form = shape(given, decide(given).correlation, ANNA)

    assert [
        (Role.FROM, "kim@customer.example", (KIM,)),
        (Role.TO, "anna@own.example", (ANNA,)),
        (Role.CC, "stranger@nowhere.example", ()),
        (Role.OWNER, "", (ANNA,)),
    ] == [(p.role, p.address, p.records) for p in form.parties]


def test_an_explanation_of_a_rejected_mail_quotes_no_address():
    looked = decide(facts()).looked

    assert [("filter", "to 1", "user/anna")] == [(x.kind, x.value, x.points_to) for x in looked]
    assert not any("@" in f"{x.value}{x.why}" for x in looked)
