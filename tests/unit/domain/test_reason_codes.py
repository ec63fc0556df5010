"""Every reason code (domain rule 2.5) is given to a mail that is decided here, and there is no other code."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.cli import sentences
from services.domain.acceptance import Outcome
from services.domain.correlation import Method
from services.domain.decide import decide
from services.domain.facts import Policy
from services.domain.forwarding import Wrapper, attribute
from services.domain.identity import Direction
from services.domain.internal import InternalMail
from services.domain.message import Mailbox, ParseOutcome, Part, PartRole, Report, ReportForm
from services.fetcher.deliveries import BEFORE_START
from services.resolver.arrivals import Delivered
from services.resolver.changes import Filing
from services.resolver.ledger import Current, Known, Ledger
from services.resolver.settings import Settings
from services.resolver.settling import gone
from tests.messages import message
from tests.unit.domain.test_decide import facts

ANNA, BEN = "anna@own.example", "ben@own.example"
TO_STRANGER = {"to": (Mailbox("", "stranger@elsewhere.example"),)}


@dataclass(frozen=True)
class Case:
    """A mail, what it is decided to be, and by what."""

    what: str
    code: Outcome
    decided: Callable[[], Outcome]


def mail(**fields: Any) -> Outcome:
    return decide(facts(**fields)).outcome


def forwarded(messages: int, **inside: Any) -> Outcome:
    """What was found in a forward mailbox, where Anna receives by it."""
    around = Wrapper(blob_sha256="ab", messages=messages, from_=TO_STRANGER["to"], sender=(), headers=())
    inner = message(**inside)
    return mail(message=inner, attribution=attribute(around, inner, frozenset({ANNA})))


def without_content(before: Outcome) -> Outcome:
    """A mail that is to be decided again, and whose raw mail is stored no longer."""
    key, delivery = UUID(int=1), UUID(int=2)
    delivered = Delivered(
        delivery_id=delivery, message_key=key, direction=Direction.INCOMING, direction_flag=None, source="imap",
        mailbox=ANNA, folder="INBOX", folder_role="inbox", uidvalidity=1, uid=1,
        internal_date=datetime(2026, 1, 1, tzinfo=UTC), blob_sha256=b"x",
    )  # fmt: skip
    now = Current(version=1, outcome=before, acceptor=None, rank=None, method=Method.NONE, correlated=None)
    ledger = Ledger(
        known={key: Known(key, UUID(int=3), "one@x", 1)}, by_id={}, evidence={}, circling=set(), participants={},
        filed={}, deliveries={}, current={delivery: now}, directory={}, records={},
    )  # fmt: skip
    filing = Filing()
    gone(delivered, ledger, filing, Settings(policy=Policy(version=1), mailbox_owners={}, options={}), cause="x")
    return filing.decisions[-1].current.outcome if filing.decisions else before


INTERNAL = {
    "message": message(from_=(Mailbox("", BEN),), to=(Mailbox("", ANNA),)),
    "policy": Policy(version=1, force_users=0, internal=InternalMail(two_activities=False)),
}
BOUNCE = message(report=Report(ReportForm.DELIVERY_STATUS, (), ()))
CASES = [
    Case("for a user who takes everything", Outcome.ACCEPTED, lambda: mail(policy=Policy(version=1, force_users=0))),
    Case("a list whose address is nobody's", Outcome.NO_RECIPIENT_MATCH, lambda: mail(message=message(**TO_STRANGER))),
    Case("answers nothing that is tracked", Outcome.NO_CORRELATION_MATCH, mail),
    Case("a second copy in one folder", Outcome.DUPLICATE, lambda: mail(duplicate=True)),
    Case("internal mail beside what was sent", Outcome.INTERNAL_IGNORED, lambda: mail(**INTERNAL, opposite=True)),
    Case("over 150 MB", Outcome.TOO_LARGE, lambda: mail(message=message(outcome=ParseOutcome.TOO_LARGE))),
    Case("decided again without its raw mail", Outcome.CONTENT_GONE,
         lambda: without_content(Outcome.NO_CORRELATION_MATCH)),
    Case("written to the forward mailbox itself", Outcome.FORWARD_NOT_WRAPPED, lambda: forwarded(0)),
    Case("forwarded for nobody who may", Outcome.FORWARD_OWNER_UNKNOWN, lambda: forwarded(1, **TO_STRANGER)),
    Case("a bounce of an unknown mail", Outcome.REPORT, lambda: mail(message=BOUNCE)),
]  # fmt: skip

PRODUCT = {
    "NoRecipientMatch", "NoCorrelationMatch", "InvalidSender", "Duplicate", "InternalIgnored", "IrmRestricted",
    "NotInInbox", "BeforeStartDate", "TooLarge", "IsvAborted", "IsvUnexpected", "MailboxNotApproved",
    "ForwardNotWrapped", "ForwardOwnerUnknown", "PrivilegeDenied",
}  # fmt: skip
"""The codes of domain rule 2.5."""
PASSED_OVER = {BEFORE_START}
"""Given by the fetcher to mail that is not taken, and so not decided (``tests/component/fetcher/test_dovecot.py``)."""
NEVER = {
    "InvalidSender": "what has no sender, or one that is no address, is filed with an unresolved party",
    "IrmRestricted": "what is encrypted is filed whole",
    "NotInInbox": "which folders are read is chosen, and nothing in them is skipped",
    "MailboxNotApproved": "such a mailbox is not connected to: its mail waits on the server, an alert says so",
    "IsvAborted": "no foreign code runs while mail is decided",
    "IsvUnexpected": "no foreign code runs while mail is decided",
    "PrivilegeDenied": "the services have no more or less rights for one mail than for another",
}
"""Codes of the product that nothing here has use for, and what is done instead."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.what}")
def test_a_mail_is_decided_by_its_reason(case: Case):
    assert case.code == case.decided()


def test_every_code_has_its_case():
    assert set(Outcome) == {case.code for case in CASES}


def test_every_code_of_the_product_is_ours_or_is_never_needed_for_a_reason_that_is_said():
    ours = {str(code) for code in Outcome} | PASSED_OVER

    assert ours & PRODUCT == PRODUCT - NEVER.keys()
    assert ours - PRODUCT == {Outcome.ACCEPTED, Outcome.CONTENT_GONE, Outcome.REPORT}


@pytest.mark.parametrize("sender", [(), (Mailbox("Kim", "no address"),), (Mailbox("", ""),)], ids=str)
def test_a_mail_without_a_valid_sender_is_filed(sender: tuple[Mailbox, ...]):
    takes_all = Policy(version=1, force_users=0)

    assert Outcome.ACCEPTED == mail(message=message(from_=sender), policy=takes_all)


def test_an_encrypted_mail_is_filed():
    part = Part("1", "application/pkcs7-mime", "smime.p7m", 9, "", "attachment", "", PartRole.ATTACHMENT)

    assert Outcome.ACCEPTED == mail(
        message=message(parts=(part,), body_text=""), policy=Policy(version=1, force_users=0)
    )


def test_an_acceptance_is_not_withdrawn_because_the_raw_mail_is_gone():
    assert Outcome.ACCEPTED == without_content(Outcome.ACCEPTED)


def test_every_reason_is_said_in_words():
    for code in set(Outcome) - {Outcome.ACCEPTED}:
        decision: Any = {"outcome": str(code), "evidence": []}
        assert not sentences.outcome(decision).startswith("Not filed ("), code
