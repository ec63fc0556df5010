"""Other addresses of a mailbox, as its own server shows them (domain rule 2.2.3); what senders write shows nothing."""

import pytest

from services import mime
from services.domain.acceptance import Outcome
from services.domain.activity import shape
from services.domain.decide import Decision, decide
from services.domain.directory import Record, RecordRef
from services.domain.facts import Policy
from services.domain.mailbox_aliases import delivered_under, proposed, unknown
from services.domain.message import Mailbox
from tests.messages import message
from tests.unit.domain.test_decide import ANNA, BEN, KIM, RECORDS, SUPPORT, acceptor, facts

MAILBOX = "anna@own.example"
ALIAS = "a.smith@own.example"
OURS = ["Return-Path: <kim@customer.example>", f"X-Original-To: {ALIAS}", f"Delivered-To: {MAILBOX}"]
RECEIVED = "Received: from mx.customer.example by mx.own.example; Mon, 4 May 2026 10:00:00 +0000"


def under(*headers: str) -> tuple[str, ...]:
    lines = [*headers, "From: kim@customer.example", "To: x@elsewhere.example", "Message-ID: <a@x.example>"]
    return delivered_under(mime.parse("\r\n".join([*lines, "", "Hello"]).encode()), MAILBOX)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([*OURS, RECEIVED], (ALIAS,)),
        ([f"Envelope-To: <A.Smith@OWN.example>, {MAILBOX}", RECEIVED], (ALIAS,)),
        ([f"Delivered-To: {ALIAS}", "X-Spam-Status: No", RECEIVED, RECEIVED], (ALIAS,)),
        ([f"Delivered-To: {MAILBOX}", RECEIVED], ()),
        (["Delivered-To: anna+news@own.example", RECEIVED], ()),
        ([RECEIVED, *OURS], ()),
        ([RECEIVED, *OURS, RECEIVED], ()),
        ([f"Delivered-To: {MAILBOX}", RECEIVED, f"X-Original-To: {ALIAS}", RECEIVED], ()),
        (OURS, ()),
        ([f"X-Forwarded-To: {ALIAS}", f"Resent-To: {ALIAS}", RECEIVED], ()),
        (["Delivered-To: no address", "Envelope-To: @, <>", RECEIVED], ()),
        ([*OURS, RECEIVED, "List-Id: <all.own.example>"], ()),
    ],
    ids=[
        "postfix", "exim, several, in capitals", "alone", "the mailbox itself", "with a detail", "below the topmost",
        "between two", "forged below ours", "received by no server", "other headers", "no address", "a list",
    ],
)  # fmt: skip
def test_only_what_stands_above_the_topmost_received_counts(headers, found):
    assert found == under(*headers)


def test_where_the_topmost_received_stands_is_kept_and_not_what_it_says():
    parsed = mime.parse("\r\n".join([*OURS, RECEIVED, RECEIVED, "From: a@x.example", "", "x"]).encode())

    assert [""] == [value for name, value in parsed.headers if name == "received"]


def test_what_a_record_or_mailbox_has_is_no_alias():
    assert ("b@x.example",) == unknown(["a@x.example", "a+news@x.example", "b@x.example"], {"a@x.example"})


def test_an_address_of_several_is_a_list_and_never_proposed():
    assert [True, False, False] == [proposed(3, 1), proposed(2, 1), proposed(300, 2)]


def decided(*to: str, aliases=None, mailbox: str = MAILBOX, **fields) -> Decision:
    mail = message(to=tuple(Mailbox("", one) for one in to))
    return decide(facts(message=mail, mailbox=mailbox, aliases={ALIAS: ANNA} if aliases is None else aliases, **fields))


def test_mail_to_an_alias_is_for_whom_it_belongs_to_and_says_so():
    assert Outcome.NO_RECIPIENT_MATCH == decided(ALIAS, aliases={}, mailbox="else@own.example").outcome
    found = decided(ALIAS, options={ANNA: 0}, mailbox="else@own.example")

    assert (Outcome.ACCEPTED, ANNA) == (found.outcome, acceptor(found))
    assert ["to 1, by an alias"] == [one.value for one in found.looked if one.kind == "filter"]


def test_refused_mail_to_an_alias_says_that_the_filter_did_it():
    """The default filter takes answers only: no longer that nobody was named."""
    assert Outcome.NO_CORRELATION_MATCH == decided(ALIAS).outcome


def test_bcc_is_as_it_was_with_an_alias_too():
    """The header names nobody: the mailbox that was read is asked, and only that (domain rule 15.9)."""
    outcomes = [decided("x@elsewhere.example", options={ANNA: option}).outcome for option in (0, 1)]

    assert [Outcome.ACCEPTED, Outcome.NO_RECIPIENT_MATCH] == outcomes


def test_a_distribution_list_that_somebody_has_confirmed_names_that_one_alone():
    found = decided("all@own.example", aliases={"all@own.example": ANNA}, mailbox="ben@own.example", options={ANNA: 0})

    assert ANNA == acceptor(found)
    assert ["user/anna", "user/ben"] == [one.points_to for one in found.looked if one.kind == "filter"]


@pytest.mark.parametrize("alias", [False, True])
def test_an_address_of_a_user_and_a_contact_reaches_the_user_though_the_party_is_unresolved(*, alias: bool):
    """Domain rule 15.10: acceptance looks at mailbox addresses, never at how parties are shown."""
    shared = "shared@own.example"
    directory = {address: (record,) for address, record in RECORDS.items()}
    user = () if alias else (Record(ANNA, "Anna", None, True, 9),)
    directory[shared] = (
        Record(KIM, "Kim", None, True, 8),
        Record(RecordRef("account", "k"), "K", None, True, 7),
        *user,
    )
    given = facts(
        message=message(to=(Mailbox("", shared),)),
        mailbox="support@own.example",
        directory=directory,
        aliases={shared: ANNA} if alias else {},
        options={ANNA: 0, SUPPORT: 4},
        policy=Policy(version=1, unresolve_on_multiple=True),
    )
    found = decide(given)

    assert ANNA == acceptor(found)
    assert [()] == [p.records for p in shape(given, found.correlation, ANNA).parties if p.address == shared]


def test_an_alias_names_no_party_and_no_disabled_user():
    given = facts(message=message(to=(Mailbox("", ALIAS),)), aliases={ALIAS: ANNA}, options={ANNA: 0})
    parties = shape(given, decide(given).correlation, ANNA).parties
    assert [()] == [party.records for party in parties if party.address == ALIAS]

    gone = {**{r.ref: r for r in RECORDS.values()}, ANNA: Record(ANNA, "Anna", None, False, 1)}
    assert (
        Outcome.NO_RECIPIENT_MATCH == decided(ALIAS, records=gone, options={ANNA: 0}, mailbox="e@own.example").outcome
    )


@pytest.mark.parametrize("by", ["directory", "mailbox"])
def test_an_alias_that_another_user_or_queue_has_by_now_is_theirs(by: str):
    """Whom the directory and the mailboxes name is whom they name: who had the address as an alias is asked no more."""
    theirs = {address: (record,) for address, record in RECORDS.items()}
    if by == "directory":
        theirs[ALIAS] = (Record(BEN, "Ben", None, True, 9),)
    owners = {ALIAS: BEN} if by == "mailbox" else {}
    found = decided(ALIAS, directory=theirs, mailbox_owners=owners, options={ANNA: 0, BEN: 4}, mailbox="x@own.example")

    assert Outcome.NO_CORRELATION_MATCH == found.outcome
    assert ["user/ben"] == [one.points_to for one in found.looked if one.kind == "filter"]
