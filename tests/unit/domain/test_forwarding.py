"""Whose mail it is that a forward mailbox received (domain rule 1.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.acceptance import Outcome
from services.domain.forwarding import Wrapper, addresses_named, attribute, is_relayed, unusual
from services.domain.message import Mailbox, Part, PartRole
from tests.messages import message

ANNA, BEN = "anna@own.example", "ben@own.example"
FORWARDING = frozenset({ANNA, BEN})
STRANGER = (Mailbox("", "stranger@elsewhere.example"),)


def wrapper(**fields) -> Wrapper:
    given = {"blob_sha256": "ab", "messages": 1, "from_": STRANGER, "sender": (), "headers": ()}
    return Wrapper(**{**given, **fields})


@pytest.mark.parametrize(
    ("around", "inside", "expected"),
    [
        pytest.param({"from_": (Mailbox("Anna", "Anna@Own.example"),)}, {}, ANNA, id="From of the mail around it"),
        pytest.param({"sender": (Mailbox("", ANNA),)}, {}, ANNA, id="Sender"),
        pytest.param({"headers": (("resent-from", "Anna <anna@own.example>"),)}, {}, ANNA, id="Resent-From"),
        pytest.param({"headers": (("x-ms-exchange-inbox-rules-loop", ANNA),)}, {}, ANNA, id="rule of Exchange"),
        pytest.param({"headers": (("x-forwarded-for", f"{ANNA} all@own.example"),)}, {}, ANNA, id="X-Forwarded-For"),
        pytest.param(
            {"from_": (Mailbox("", BEN),), "headers": (("x-forwarded-for", ANNA),)},
            {},
            ANNA,
            id="the server's word first",
        ),
        pytest.param({"from_": (Mailbox("", ANNA),)}, {"to": (Mailbox("", BEN),)}, ANNA, id="the forwarder before To"),
        pytest.param({}, {"to": (Mailbox("", BEN),)}, BEN, id="To of the message"),
        pytest.param({}, {"to": STRANGER, "cc": (Mailbox("", BEN),)}, BEN, id="Cc of the message"),
        pytest.param({}, {"to": STRANGER, "headers": (("delivered-to", BEN),)}, BEN, id="Delivered-To"),
        pytest.param({}, {"to": STRANGER, "headers": (("x-original-to", BEN),)}, BEN, id="X-Original-To"),
    ],
)
def test_a_message_belongs_to_the_first_mailbox_that_is_named(around, inside, expected):
    found = attribute(wrapper(**around), message(**inside), FORWARDING)

    assert (expected, None) == (found.mailbox, found.outcome)
    assert [f"mailbox/{expected}"] == [one.points_to for one in found.looked if one.counts]


def test_a_mail_without_a_message_in_it_is_rejected_whoever_it_names():
    found = attribute(wrapper(messages=0, from_=(Mailbox("", ANNA),)), message(), FORWARDING)

    assert (None, Outcome.FORWARD_NOT_WRAPPED) == (found.mailbox, found.outcome)


def test_a_message_that_names_nobody_who_receives_by_a_forward_mailbox_is_rejected():
    found = attribute(wrapper(), message(to=STRANGER), FORWARDING)

    assert (None, Outcome.FORWARD_OWNER_UNKNOWN) == (found.mailbox, found.outcome)


def test_several_messages_in_one_mail_are_each_attributed_and_that_is_told():
    several = wrapper(messages=3, from_=(Mailbox("", ANNA),))

    assert ANNA == attribute(several, message(), FORWARDING).mailbox
    assert "3 messages came in one mail" == attribute(several, message(), FORWARDING).looked[0].why
    assert ["forward_not_wrapped", "", "forward_several"] == [unusual(wrapper(messages=n)) for n in (0, 1, 3)]


some = st.sampled_from([ANNA, BEN, "kim@customer.example", "", "no address", "<>", "x@"])
mailboxes = st.lists(some.map(lambda one: Mailbox("", one)), max_size=3).map(tuple)
headers = st.lists(
    st.tuples(
        st.sampled_from(["x-forwarded-for", "resent-from", "delivered-to", "subject"]), st.one_of(some, st.text())
    ),
    max_size=4,
).map(tuple)


wrappers = st.builds(wrapper, from_=mailboxes, sender=mailboxes, headers=headers, messages=st.integers(0, 3))
messages = st.builds(message, to=mailboxes, cc=mailboxes, headers=headers)


@given(wrappers, messages, st.sets(st.sampled_from([ANNA, BEN])))
def test_only_mailboxes_that_asked_for_it_are_ever_attributed(mail, inner, forwarding):
    found = attribute(mail, inner, forwarding)

    assert (found.mailbox is None) == (found.outcome is not None)
    assert found.mailbox is None or found.mailbox in forwarding & addresses_named(mail, inner)


ATTACHED = Part("2", "message/rfc822", "m.eml", 9, "00", "attachment", "", PartRole.ATTACHMENT)
RULE = (("x-ms-exchange-inbox-rules-loop", BEN),)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"headers": RULE}, True, id="made by a rule"),
        pytest.param({"headers": (("auto-submitted", "Auto-Generated; why"),)}, True, id="made by a machine"),
        pytest.param({}, False, id="a person forwards it"),
        pytest.param({"headers": RULE, "body_text": "Please look"}, False, id="with a word to it"),
        pytest.param({"headers": (("auto-submitted", "auto-replied"),)}, False, id="an answer"),
        pytest.param({"headers": RULE, "parts": (ATTACHED, ATTACHED)}, False, id="two attachments"),
        pytest.param(
            {"headers": (*RULE, ("content-type", "multipart/report; report-type=delivery-status"))},
            False,
            id="a report",
        ),
    ],
)
def test_only_what_a_rule_made_of_one_message_is_unwrapped_further(fields, expected):
    assert expected == is_relayed(message(**{"body_text": " \n", "parts": (ATTACHED,), **fields}))
