"""Whom a recipient of the envelope names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.approval import Permit
from services.domain.recipients import Disabled, Ours, Unknown, recipient

MAILBOXES = {
    "ada@own.example": Permit.ALLOWED,
    "ada+news@own.example": Permit.ALLOWED,
    "ada+off@own.example": Permit.PENDING,
    "off@own.example": Permit.DEACTIVATED,
    "ida@xn--bcher-kva.example": Permit.ALLOWED,
}


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("ada@own.example", Ours("ada@own.example")),
        ("<Ada@OWN.example>", Ours("ada@own.example")),
        ("ada+other@own.example", Ours("ada@own.example")),
        ("ada+a+b@own.example", Ours("ada@own.example")),
        ("ada+news@own.example", Ours("ada+news@own.example")),
        ("ada+off@own.example", Disabled()),
        ("off+x@own.example", Disabled()),
        ("ida@bücher.example", Ours("ida@xn--bcher-kva.example")),
        ("+ada@own.example", Unknown()),
        ("ada@else.example", Unknown()),
        ("ada@own.example@else.example", Unknown()),
        ("ada%own.example", Unknown()),
        ("postmaster", Unknown()),
        ("<>", Unknown()),
        ("", Unknown()),
    ],
)
def test_a_recipient_names_a_mailbox_or_none(address, named):
    assert named == recipient(address, MAILBOXES, MAILBOXES.__getitem__)


@given(st.text())
def test_no_text_names_a_mailbox_that_is_not_there(address):
    named = recipient(address, MAILBOXES, MAILBOXES.__getitem__)

    assert not isinstance(named, Ours) or MAILBOXES[named.mailbox] is Permit.ALLOWED
    assert Unknown() == recipient(address, (), MAILBOXES.__getitem__)
