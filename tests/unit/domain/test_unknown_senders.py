"""For which unknown senders a record is asked for (domain rule 4.8)."""

from dataclasses import replace

import pytest

from services.domain.decide import Decision, decide
from services.domain.directory import Record, RecordRef
from services.domain.facts import Facts, Policy
from services.domain.kinds.rules import MailKind
from services.domain.message import Mailbox
from services.domain.record_requests import FOR, Request, unknown_sender
from tests.messages import message
from tests.unit.domain.test_decide import ANNA, KIM, RECORDS, facts

LENA = "lena@new.example"
REFUTED = "mx.own.example; dmarc=fail (p=reject) header.from=new.example"


def of(sender: str = LENA, *, create: str = "contact", headers=(), **fields) -> Facts:
    mail = message(from_=(Mailbox("Lena", sender),), headers=tuple(headers))
    return facts(message=mail, policy=Policy(version=1, auto_create=create, user_default=0), **fields)


def answer(given: Facts, decision: Decision | None = None, source: str = "imap") -> tuple[Request | None, str]:
    found = unknown_sender(given, decision or decide(given), source=source)
    return found.request, found.why


@pytest.mark.parametrize("kind", ["contact", "lead"])
def test_a_record_of_the_type_of_the_setting_is_asked_for_under_the_name_that_the_mail_gives(kind: str):
    assert (Request(kind, LENA, "Lena"), FOR) == answer(of("LENA@New.Example", create=kind))


@pytest.mark.parametrize(
    "sender",
    [
        "no-reply@x.example", "noreply@x.example", "NoReply-17@x.example", "do_not_reply@x.example",
        "shop.noreply@x.example",
        "nicht-antworten@x.example", "ne-pas-repondre@x.example", "mailer-daemon@x.example", "postmaster@x.example",
        "bounces+kim=own.example@x.example", "bounce-12345@x.example", "list-request@x.example", "owner-list@x.example",
        "list-bounces@x.example", "notifications@x.example", "alert@x.example", "auto-reply@x.example",
        "unsubscribe@x.example",
    ],
)  # fmt: skip
def test_an_address_that_is_no_persons_gets_none(sender: str):
    assert (None, "the address is not a person's") == answer(of(sender))


@pytest.mark.parametrize(
    "sender",
    [
        "rootes@x.example",
        "replyton@x.example",
        "notary@x.example",
        "info@x.example",
        "a.bouncer@x.example",
        "norep@x.example",
    ],
)
def test_an_address_that_only_looks_like_one_gets_its_record(sender: str):
    assert answer(of(sender))[0] is not None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (of(create="none"), "resolve.autoCreate is none"),
        (of("colleague@own.example"), "the address is in a domain of ours"),
        (of("printer@lab.own.example"), "the address is in a domain of ours"),
        (of("kim@elsewhere.example", mailbox_owners={"sales@elsewhere.example": ANNA}), "in a domain of ours"),
        (of("anna@brand.example", aliases={"anna@brand.example": ANNA}), "another one of a user or queue"),
        (of("us@gmail.com", mailbox_owners={"us@gmail.com": ANNA}), "that of a mailbox of ours"),
        (of("nobody"), "no usable address"),
        (of("nobody@localhost"), "no usable address"),
        (of("a b@new.example"), "no usable address"),
        (of("a" * 300 + "@new.example"), "no usable address"),
        (of(headers=[("return-path", " <> ")]), "takes no bounces"),
        (of(headers=[("list-id", "<list.new.example>")]), "it is list mail"),
        (of(headers=[("list-unsubscribe", "<mailto:x@new.example>")]), "it is list mail"),
        (of(headers=[("auto-submitted", "auto-generated")]), "it is automatic mail"),
        (of(headers=[("auto-submitted", "auto-replied")]), "it is auto-reply mail"),
        (of(headers=[("x-spam-flag", "YES")]), "it is spam mail"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_speaks_against_a_person_behind_the_address_speaks_against_a_record(given: Facts, why: str):
    request, said = answer(given)

    assert (None, True) == (request, why in said), said


def test_a_sender_that_is_refuted_gets_none():
    given = of(headers=[("authentication-results", REFUTED)])
    given = replace(given, policy=replace(given.policy, trusted_authserv=("mx.own.example",)))

    assert (None, True) == (answer(given)[0], "refuted" in answer(given)[1])


def test_a_sender_that_does_not_belong_to_the_conversation_gets_none():
    decision = decide(of())
    strange = replace(decision, correlation=replace(decision.correlation, verified=False))

    assert (None, True) == (answer(of(), strange)[0], "does not belong" in answer(of(), strange)[1])


def test_an_address_that_the_directory_has_gets_none_though_nobody_is_behind_it():
    """Several records, or a disabled user's: whoever looks after the directory sees to it."""
    shared = {
        **{address: (record,) for address, record in RECORDS.items()},
        LENA: (Record(KIM, "K", None, True, 9),) * 2,
    }

    assert (None, True) == (answer(of(directory=shared))[0], "several records" in answer(of(directory=shared))[1])


def test_an_import_is_mail_of_the_past_and_an_invitation_is_a_persons():
    decision = replace(decide(of()), kind=MailKind.INVITATION)

    assert (None, "it was imported") == answer(of(), source="import")
    assert answer(of(), decision)[0] is not None


def test_a_public_provider_is_nobodys_domain():
    """A mailbox of ours at one does not make all its customers colleagues."""
    assert answer(of("lena@gmail.com", mailbox_owners={"us@gmail.com": RecordRef("queue", "us")}))[0] is not None


@pytest.mark.parametrize(
    ("ours", "own", "asked"),
    [("contact", None, "contact"), ("contact", "lead", "lead"), ("contact", "none", None), ("none", "lead", None)],
)
def test_the_user_chooses_within_what_the_organisation_allows(ours: str, own: str | None, asked: str | None):
    """Domain rule 4.8: both switches must be on."""
    given = of(create=ours)
    found = unknown_sender(given, decide(given), source="imap", own=own).request

    assert asked == (found.type if found is not None else None)
