"""Who may act for a conversation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.authentication import Authentication
from services.domain.sender_gate import Admitted, Sender, verdict
from services.domain.sender_verdict import SenderVerdict

KIM, ANNA = "kim@customer.example", "anna@own.example"
THREAD = Admitted({KIM, ANNA}, parties={"office@record.example"}, own={ANNA})
PLAUSIBLE, NEW = SenderVerdict.PLAUSIBLE, SenderVerdict.NEW_PARTICIPANT
STRANGER, FAILED = SenderVerdict.STRANGER, SenderVerdict.FAILED


@pytest.mark.parametrize(
    ("address", "internal", "unknown", "passed"),
    [
        (KIM, False, PLAUSIBLE, PLAUSIBLE),
        ("office@record.example", False, PLAUSIBLE, PLAUSIBLE),
        ("ben@own.example", True, PLAUSIBLE, PLAUSIBLE),
        ("lee@customer.example", False, STRANGER, NEW),
        ("eve@x.example", False, STRANGER, NEW),
        ("", False, STRANGER, NEW),
    ],
)
def test_participants_parties_and_own_users_are_plausible_and_others_new_or_strangers(
    address, internal, unknown, passed
):
    said = {how: verdict(Sender(address, how, internal), THREAD, same_organisation=False) for how in Authentication}

    assert said == {
        Authentication.UNKNOWN: unknown,
        Authentication.PASSED: passed,
        Authentication.FAILED: FAILED,
    }


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("lee@customer.example", PLAUSIBLE),
        ("lee@mail.customer.example", PLAUSIBLE),
        ("lee@notcustomer.example", STRANGER),
        ("lee@example", STRANGER),
        ("spoof@own.example", STRANGER),
        ("other@gmail.com", STRANGER),
    ],
)
def test_colleagues_of_a_participant_are_plausible_where_that_is_wanted(address, expected):
    thread = Admitted({*THREAD.participants, "pat@gmail.com"}, own=THREAD.own)

    assert expected == verdict(Sender(address), thread, same_organisation=True)


@given(st.emails(), st.sets(st.emails()), st.sets(st.emails()), st.booleans(), st.booleans())
def test_failed_authentication_is_never_let_pass(address, participants, parties, internal, same):
    sender = Sender(address, Authentication.FAILED, internal)

    assert verdict(sender, Admitted(participants, parties), same_organisation=same) == FAILED
