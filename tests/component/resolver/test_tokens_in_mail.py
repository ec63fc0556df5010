"""Tokens on a real database: which mail they mean, whatever came first, and whom they let in."""

from contextlib import closing
from dataclasses import replace
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from services.domain import own_token
from services.domain.correlation_rules import Mode, Switches
from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.domain.identity import keyed_hash
from services.domain.own_token import Audience
from services.domain.tracking_token import Layout
from services.resolver import tokens
from services.resolver.answering import Answer, Question, close
from services.storage import tracking_tokens
from services.storage.postgres import Database
from tests.component.resolver.conftest import KEY, TOKEN_KEYS, Resolver, mail

pytestmark = pytest.mark.component

SUPPORT, KIM = "support@own.example", "Kim <kim@customer.example>"
EVE = "Eve <eve@stranger.example>"
CRM = Policy(version=1, token_prefixes=("CRM:",))


@pytest.fixture(autouse=True)
def prefix(resolver: Resolver) -> None:
    resolver.settings = replace(resolver.settings, policy=CRM)


def issue(resolver: Resolver, layout: Layout = Layout()) -> str:  # noqa: B008 - immutable
    with closing(Database(resolver.url, "resolver")) as database, database.transaction() as connection:
        return tracking_tokens.draw(connection, RecordRef("queue", "support"), layout).text


def sent(resolver: Resolver, name: str, token: str, *, hour: int = 8, **headers: str) -> bytes:
    raw = mail(name, to=KIM, From=SUPPORT, Subject=f"Offer {token}", **headers)
    return resolver.record(raw, mailbox=SUPPORT, folder="Sent", hour=hour)


def reply(resolver: Resolver, name: str, token: str, *, from_: str = KIM, **headers: str) -> bytes:
    return resolver.record(mail(name, From=from_, Subject=f"RE: Offer {token}", **headers), mailbox=SUPPORT, hour=9)


def file_all(resolver: Resolver, kind: str, name: str) -> None:
    """File everything under a record, as a person would."""
    resolver.regarding(f"{kind}/{name}")


def linked(resolver: Resolver, name: str) -> tuple[Any, ...]:
    """Method, target and whether it is verified, of the one current decision about a message."""
    (row,) = resolver.rows(
        "SELECT x.method, split_part(coalesce(t.message_id, ''), '@', 1), x.verified FROM resolver.decision x"
        " JOIN resolver.delivery d ON d.id = x.delivery_id JOIN resolver.message m USING (message_key)"
        " LEFT JOIN resolver.message t ON t.message_key = x.correlated WHERE x.current AND m.message_id = %s",
        f"{name}@x.example",
    )
    return row


def alerts(resolver: Resolver) -> list[str]:
    rows = resolver.rows("SELECT convert_from(key, 'UTF8') FROM resolver.outbox WHERE topic = 'alert-signals'")
    return [key.split("|")[1] for (key,) in rows]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("order", list(permutations(("sent", "reply"))), ids="-".join)
def test_an_answer_without_headers_is_known_by_the_token_in_whichever_order_they_come(resolver, order, mode):
    resolver.settings = replace(resolver.settings, policy=replace(CRM, switches=Switches(mode=mode)))
    token = issue(resolver)
    records = {"sent": sent(resolver, "out", token), "reply": reply(resolver, "in", token.lower())}
    for name in order:
        resolver.resolve(records[name])
        resolver.jobs()

    assert ("TrackingToken", "out", True) == linked(resolver, "in")
    assert ("None", "", True) == linked(resolver, "out")


def test_both_in_one_batch_end_the_same(resolver: Resolver):
    token = issue(resolver)
    resolver.resolve(reply(resolver, "in", token), sent(resolver, "out", token))
    resolver.jobs()

    assert ("TrackingToken", "out", True) == linked(resolver, "in")


def test_a_token_that_was_never_given_out_matches_nothing(resolver: Resolver):
    resolver.resolve(sent(resolver, "out", "CRM:0001009"), reply(resolver, "in", "CRM:0001009"))
    resolver.jobs()

    assert ("None", "", True) == linked(resolver, "in")


def test_mail_that_comes_in_gives_no_token_to_itself(resolver: Resolver):
    token = issue(resolver)
    resolver.resolve(reply(resolver, "first", token), reply(resolver, "second", token))
    resolver.jobs()

    assert ("None", "", True) == linked(resolver, "second")


def test_a_switch_and_the_prefixes_act_on_what_is_decided_under_them(resolver: Resolver):
    token, other = issue(resolver), issue(resolver, Layout(prefix="new#"))
    resolver.resolve(sent(resolver, "out", token), sent(resolver, "newer", other))
    resolver.settings = replace(resolver.settings, policy=replace(CRM, switches=Switches(tokens=False)))
    resolver.resolve(reply(resolver, "off", token))
    resolver.settings = replace(resolver.settings, policy=replace(CRM, token_prefixes=("new#", "CRM:")))
    resolver.resolve(reply(resolver, "former", token), reply(resolver, "current", other))
    resolver.settings = replace(resolver.settings, policy=replace(CRM, token_prefixes=("new#",)))
    resolver.resolve(reply(resolver, "forgotten", token))

    assert [("None", ""), ("TrackingToken", "out"), ("TrackingToken", "newer"), ("None", "")] == [
        linked(resolver, name)[:2] for name in ("off", "former", "current", "forgotten")
    ]


def test_a_guessed_token_is_only_suggested_and_told_of(resolver: Resolver):
    token = issue(resolver)
    resolver.resolve(sent(resolver, "out", token))
    resolver.resolve(reply(resolver, "in", token, from_=EVE))

    assert ("None", "", True) == linked(resolver, "in")
    assert [("suggestion",)] == resolver.rows("SELECT kind FROM resolver.review")
    assert ["token_unshared"] == alerts(resolver)


def test_a_token_that_many_mails_carry_takes_nothing_from_the_others_of_its_batch(resolver: Resolver, monkeypatch):
    monkeypatch.setattr(tokens, "MOST_CARRYING", 3)
    rare, common = issue(resolver), issue(resolver)
    resolver.resolve(sent(resolver, "rare", rare, hour=1))
    resolver.resolve(*(sent(resolver, f"common{n}", common, hour=2 + n) for n in range(5)))
    resolver.resolve(reply(resolver, "in-rare", rare), reply(resolver, "in-common", common))

    assert ("TrackingToken", "rare", True) == linked(resolver, "in-rare")
    assert ("TrackingToken", "common4", True) == linked(resolver, "in-common")


def test_our_answer_carries_the_token_on_and_nothing_turns_in_a_circle(resolver: Resolver):
    token = issue(resolver)
    resolver.resolve(sent(resolver, "out", token))
    resolver.resolve(reply(resolver, "in", token))
    resolver.resolve(sent(resolver, "again", token, hour=10, In_Reply_To="<in@x.example>"))
    resolver.jobs()

    assert ["", "out", "in"] == [linked(resolver, name)[1] for name in ("out", "in", "again")]


def test_mail_that_was_sent_with_a_token_is_tracked_whatever_the_filter_says(resolver: Resolver):
    """Anna takes responses only, and what she sends answers nothing."""
    token = issue(resolver)
    for name, subject in (("with", f"Offer {token}"), ("without", "Offer"), ("guessed", "Offer CRM:0001009")):
        raw = mail(name, to=KIM, From="anna@own.example", Subject=subject)
        resolver.resolve(resolver.record(raw, mailbox="anna@own.example", folder="Sent", hour=8))
    resolver.resolve(reply(resolver, "in", token))

    outcomes = resolver.outcomes()
    assert ("accepted", "NoCorrelationMatch", "NoCorrelationMatch") == tuple(
        outcomes[name] for name in ("with", "without", "guessed")
    )
    assert ("TrackingToken", "with", True) == linked(resolver, "in")


def own_tokens(name: str) -> tuple[str, str]:
    """A Message-ID and a reply address that were minted for a message."""
    ref = own_token.reference(keyed_hash(KEY, "id", f"{name}@x.example"))
    mid = own_token.message_id(TOKEN_KEYS, ref, nonce=bytes(10), audience=Audience.EXTERNAL, domain="own.example")
    address = own_token.reply_address(TOKEN_KEYS, ref, nonce=bytes(2), audience=Audience.EXTERNAL, mailbox=SUPPORT)
    return mid, address


@pytest.mark.parametrize("order", list(permutations(("root", "reply"))), ids="-".join)
@pytest.mark.parametrize("place", ["In-Reply-To", "References", "To", "Delivered-To"])
def test_our_own_token_ties_an_answer_to_a_conversation_wherever_it_stands(resolver, order, place):
    mid, address = own_tokens("root")
    value = f"<{mid.upper()}>" if place in ("In-Reply-To", "References") else address.title()
    records = {
        "root": resolver.record(mail("root")),
        "reply": resolver.record(mail("in", **{place: value}), mailbox=SUPPORT),
    }
    for name in order:
        resolver.resolve(records[name])
        resolver.jobs()

    assert ("TrackingToken", "root", True) == linked(resolver, "in")


def test_a_stranger_with_a_good_token_is_linked_and_changes_nothing(resolver: Resolver):
    _, address = own_tokens("root")
    resolver.resolve(resolver.record(mail("root")))
    file_all(resolver, "case", "1")
    resolver.resolve(resolver.record(mail("in", From=EVE, To=address), mailbox=SUPPORT))

    assert ("TrackingToken", "root", False) == linked(resolver, "in")
    assert [(None,)] == resolver.rows(
        "SELECT regarding_id FROM resolver.activity JOIN resolver.message USING (message_key) WHERE message_id = %s",
        "in@x.example",
    )
    assert ["sender_unverified"] == alerts(resolver)


MX = "mx.own.example"
PASSED = f"{MX}; dmarc=pass header.from=stranger.example"
FAILED = f"{MX}; dmarc=fail (p=reject) header.from=customer.example"


@pytest.mark.parametrize(
    ("from_", "results", "verified"), [(EVE, PASSED, False), (KIM, FAILED, False), (KIM, "", True), (EVE, "", False)]
)
def test_trusted_servers_can_refute_a_sender_and_bring_nobody_in(resolver: Resolver, from_, results, verified):
    resolver.settings = replace(resolver.settings, policy=replace(CRM, trusted_authserv=(MX,)))
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(
        resolver.record(mail("in", answers=["root"], From=from_, Authentication_Results=results), mailbox=SUPPORT)
    )

    assert verified == linked(resolver, "in")[2]


@pytest.mark.parametrize("same", [True, False])
def test_a_colleague_is_let_in_where_that_is_wanted(resolver: Resolver, same):
    resolver.settings = replace(resolver.settings, policy=replace(CRM, same_organisation=same))
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(mail("in", answers=["root"], From="lee@customer.example"), mailbox=SUPPORT))

    assert same == linked(resolver, "in")[2]


def test_who_took_part_in_an_earlier_mail_of_the_conversation_belongs_to_it(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root", Cc="lee@customer.example")))
    resolver.resolve(resolver.record(mail("next", answers=["root"])))
    resolver.resolve(
        resolver.record(mail("in", answers=["root", "next"], From="lee@customer.example"), mailbox=SUPPORT)
    )

    assert ("InReplyTo", "next", True) == linked(resolver, "in")


def test_a_conversation_of_ones_own_lets_nobody_into_another(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root")), resolver.record(mail("eves", From=EVE)))
    resolver.resolve(resolver.record(mail("in", answers=["eves", "root"], From=EVE), mailbox=SUPPORT))

    assert ("InReplyTo", "root", False) == linked(resolver, "in")


def test_an_outsider_who_proves_who_it_is_inherits_nothing_and_is_told_of(resolver: Resolver):
    resolver.settings = replace(resolver.settings, policy=replace(CRM, trusted_authserv=(MX,)))
    resolver.resolve(resolver.record(mail("root")))
    file_all(resolver, "case", "1")
    resolver.resolve(
        resolver.record(mail("in", answers=["root"], From=EVE, Authentication_Results=PASSED), mailbox=SUPPORT)
    )

    assert ("InReplyTo", "root", False) == linked(resolver, "in")
    assert [(None,)] == resolver.rows(
        "SELECT regarding_id FROM resolver.activity JOIN resolver.message USING (message_key) WHERE message_id = %s",
        "in@x.example",
    )
    assert ["sender_unverified"] == alerts(resolver)
    assert [("unverified",)] == resolver.rows("SELECT kind FROM resolver.review")


def test_what_was_dismissed_is_not_asked_again_by_a_later_decision(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(mail("in", answers=["root"], From=EVE), mailbox=SUPPORT))
    with closing(Database(resolver.url, "resolver")) as database, database.transaction() as connection:
        ((key, target, delivery),) = connection.execute(
            "SELECT message_key, target, d.id FROM resolver.review JOIN resolver.delivery d ON d.id = delivery_id"
        ).fetchall()
        asked = Question(key, "unverified", target, [(delivery, 1)])
        close(connection, asked, Answer.DISMISSED, author="anna", reason="nobody we know")
    again = resolver.record(mail("in", answers=["root"], From=EVE), mailbox="anna@own.example")
    resolver.resolve(again)

    assert [("unverified", "dismissed")] * 2 == resolver.rows("SELECT kind, state FROM resolver.review")


def test_an_outsider_does_not_get_in_by_a_first_mail_that_was_not_let_in(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(mail("first", answers=["root"], From=EVE, Cc="mal@stranger.example")))
    for name, answers in (("second", ["first", "root"]), ("third", ["root", "first"])):
        resolver.resolve(resolver.record(mail(name, answers=answers, From=EVE), mailbox=SUPPORT))
    resolver.resolve(resolver.record(mail("mals", answers=["root", "first"], From="mal@stranger.example")))

    assert {("InReplyTo", "root", False)} == {linked(resolver, name) for name in ("first", "second")}
    assert {("InReplyTo", "first", False)} == {linked(resolver, name) for name in ("third", "mals")}


def test_a_mail_that_only_says_itself_that_it_belongs_there_brings_nobody_in(resolver: Resolver):
    """A forward starts a conversation of its sender's own, though its References name the mail it shows."""
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(mail("shown", answers=["root"], From=EVE, Subject="Fwd: Mail root")))
    resolver.resolve(resolver.record(mail("in", answers=["shown", "root"], From=EVE), mailbox=SUPPORT))

    assert ("None", "", True) == linked(resolver, "shown")
    assert ("InReplyTo", "root", False) == linked(resolver, "in")


def test_who_takes_part_answers_an_outsider_and_stays_in(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(mail("eves", answers=["root"], From=EVE)))
    resolver.resolve(resolver.record(mail("in", answers=["root", "eves"]), mailbox=SUPPORT))

    assert ("InReplyTo", "eves", True) == linked(resolver, "in")


def test_whom_we_answer_belongs_to_the_conversation(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(mail("eves", answers=["root"], From=EVE)))
    ours = mail("ours", answers=["root", "eves"], to=EVE, From=SUPPORT)
    resolver.resolve(resolver.record(ours, mailbox=SUPPORT, folder="Sent"))
    resolver.resolve(resolver.record(mail("in", answers=["root", "eves", "ours"], From=EVE), mailbox=SUPPORT))

    assert ("InReplyTo", "ours", True) == linked(resolver, "in")


def test_an_address_of_the_record_belongs_to_its_conversations(resolver: Resolver):
    resolver.directory({"type": "account", "id": "acme", "addresses": ["office@acme.example"]})
    resolver.resolve(resolver.record(mail("root")))
    file_all(resolver, "account", "acme")
    resolver.resolve(resolver.record(mail("in", answers=["root"], From="office@acme.example"), mailbox=SUPPORT))

    assert ("InReplyTo", "root", True) == linked(resolver, "in")


def test_a_reference_is_half_of_a_hash_and_means_the_message_with_the_whole(resolver: Resolver):
    id_key = keyed_hash(KEY, "id", "root@x.example")

    assert UUID(bytes=id_key.bytes[:8] + bytes(8)) == own_token.half(id_key)
