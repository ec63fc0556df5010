"""Whom an alert is addressed to: by whose concern it is, and by the switch for owners of mailboxes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.addressees import CONCERNS, Affected, Concern, addressees
from services.domain.alert_codes import KINDS
from services.domain.directory import RecordRef

refs = st.builds(RecordRef, st.sampled_from(["user", "queue"]), st.text(min_size=1, max_size=3))
affected = st.builds(
    Affected, mailbox_owners=st.lists(refs, max_size=4), profile_owner=st.none() | refs, profile_logs_in=st.booleans()
)
codes = st.sampled_from(sorted(KINDS)) | st.text(max_size=5)

ANNA, BEN = RecordRef("user", "anna"), RecordRef("user", "ben")


def test_of_every_alert_it_is_known_whose_concern_it_is():
    assert KINDS.keys() == CONCERNS.keys()


@pytest.mark.parametrize(
    ("code", "profile_logs_in", "off", "on"),
    [
        ("folder_unknown", False, {ANNA}, {ANNA}),
        ("not_approved", False, {ANNA, BEN}, {ANNA, BEN}),
        ("host_unknown", False, {BEN}, {ANNA, BEN}),
        ("profile_failing", True, {BEN}, {ANNA, BEN}),
        ("login_refused", False, {ANNA}, {ANNA}),
        ("login_refused", True, {BEN}, {ANNA, BEN}),
        ("dead_letter", False, set(), set()),
        ("of tomorrow", False, {ANNA, BEN}, {ANNA, BEN}),
    ],
)
def test_who_is_told(code, profile_logs_in, off, on):
    given = Affected(mailbox_owners=[ANNA], profile_owner=BEN, profile_logs_in=profile_logs_in)

    assert off == set(addressees(code, given, notify_mailbox_owner=False))
    assert on == set(addressees(code, given, notify_mailbox_owner=True))


@given(codes, affected)
def test_the_switch_only_adds_owners_of_mailboxes_and_nobody_else_is_ever_told(code, given):
    off = addressees(code, given, notify_mailbox_owner=False)
    on = addressees(code, given, notify_mailbox_owner=True)

    assert set(off) <= set(on) <= {*given.mailbox_owners, *filter(None, [given.profile_owner])}
    assert set(on) - set(off) <= set(given.mailbox_owners)
    assert list(on) == sorted(set(on))


@given(affected, st.booleans())
def test_what_concerns_the_operation_is_addressed_to_nobody(given, switch):
    assert all(
        () == addressees(code, given, notify_mailbox_owner=switch)
        for code, concern in CONCERNS.items()
        if concern is Concern.OPERATION
    )
