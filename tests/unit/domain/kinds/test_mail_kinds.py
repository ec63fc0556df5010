"""Which kind a mail is and why, and what that permits."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.correlation import Correlation, Effect, Looked, Method, Review, ReviewKind
from services.domain.kinds.effects import PERMITS, permitted
from services.domain.kinds.rules import MailKind, classify
from services.domain.message import Part, PartRole, Report, Reported, ReportForm
from tests.messages import message

BY_SERVER = Report(ReportForm.TEXT, (), ())


def status(action: str) -> Report:
    return Report(ReportForm.DELIVERY_STATUS, (), (Reported("kim@customer.example", action, "", ""),))


def part(content_type: str, disposition: str = "") -> Part:
    return Part("2", content_type, "", 1, "", disposition, "", PartRole.ATTACHMENT)


CASES: list[tuple[str, MailKind, dict[str, Any]]] = [
    ("a letter", MailKind.ORDINARY, {}),
    ("an answer to an automatic reply", MailKind.ORDINARY, {"subject": "Re: Automatic reply: Offer"}),
    ("asks for no automatic answers", MailKind.ORDINARY, {"headers": (("x-auto-response-suppress", "All"),)}),
    ("a postmaster writes a letter", MailKind.ORDINARY, {"report": BY_SERVER}),
    ("a calendar as a file", MailKind.ORDINARY, {"parts": (part("text/calendar", "attachment"),)}),
    ("not spam", MailKind.ORDINARY, {"headers": (("x-spam-flag", "NO"), ("x-spam-status", "No, score=1"))}),
    ("not automatic", MailKind.ORDINARY, {"headers": (("auto-submitted", "no"),)}),
    ("failed", MailKind.BOUNCE, {"report": status("failed"), "headers": (("auto-submitted", "auto-replied"),)}),
    ("delayed", MailKind.BOUNCE, {"report": status("delayed")}),
    ("in words", MailKind.BOUNCE, {"report": BY_SERVER, "subject": "Undelivered Mail Returned to Sender"}),
    ("delivered", MailKind.RECEIPT, {"report": status("delivered")}),
    ("read", MailKind.RECEIPT, {"report": Report(ReportForm.DISPOSITION, (), ())}),
    ("a complaint", MailKind.FEEDBACK, {"report": Report(ReportForm.FEEDBACK, (), ())}),
    ("rfc 3834", MailKind.AUTO_REPLY, {"headers": (("auto-submitted", "auto-replied; owner=x"),)}),
    ("german", MailKind.AUTO_REPLY, {"subject": "Abwesenheitsnotiz: Angebot"}),
    ("english", MailKind.AUTO_REPLY, {"subject": "Automatic reply: Offer"}),
    ("the server's mark", MailKind.SPAM, {"headers": (("x-spam-flag", "YES"), ("list-id", "<x>"))}),
    ("exchange's level", MailKind.SPAM, {"headers": (("x-ms-exchange-organization-scl", "6"),)}),
    ("a meeting", MailKind.INVITATION, {"parts": (part("text/calendar"),)}),
    ("a list", MailKind.LIST, {"headers": (("list-id", "<x.example>"), ("precedence", "bulk"))}),
    ("a program", MailKind.AUTOMATIC, {"headers": (("auto-submitted", "auto-generated"),)}),
]


@pytest.mark.parametrize(("kind", "fields"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_mail_is_of_this_kind_and_says_why(kind: MailKind, fields: dict[str, Any]):
    found = classify(message(**fields))

    assert kind == found.kind
    assert bool(found.why) == (kind != MailKind.ORDINARY)


def test_every_kind_has_its_permits():
    assert set(MailKind) == set(PERMITS)


@given(st.text(max_size=80), st.text(max_size=300), st.lists(st.tuples(st.text(max_size=9), st.text(max_size=40))))
def test_any_mail_is_of_one_kind(subject: str, body: str, headers: list[tuple[str, str]]):
    found = classify(message(subject=subject, body_text=body, headers=tuple(headers)))

    assert found.kind in PERMITS


def test_an_automatic_reply_joins_and_asks_nothing():
    """It keeps its link; the subject that its program gave it makes no other matter of it."""
    asked = (Review(ReviewKind.UNVERIFIED, UUID(int=1), 0.9, ""),)
    looked = (Looked("in_reply_to", "a@x", None, True, ""), Looked("subject", "", None, True, ""))
    branched = Correlation(
        Method.IN_REPLY_TO, None, None, looked, effect=Effect.BRANCHES, subject_changed=True, reviews=asked
    )

    limited = permitted(branched, MailKind.AUTO_REPLY)

    assert (Method.IN_REPLY_TO, Effect.JOINS, ()) == (limited.method, limited.effect, limited.reviews)
    assert looked[:1] == limited.looked
    assert branched == permitted(branched, MailKind.ORDINARY)
