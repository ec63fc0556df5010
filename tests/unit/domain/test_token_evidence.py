"""Tokens as evidence: where they are looked for, in which order, and what is kept of them."""

from datetime import UTC, datetime
from uuid import UUID

from services.domain import own_token, token_evidence
from services.domain.evidence import Kind
from services.domain.identity import keyed_hash
from services.domain.message import Mailbox, MessageId
from services.domain.own_token import Audience, Key, Keys
from tests.messages import message

KEYS = Keys("", (Key("a", b"k" * 32),))
NOW = datetime(2026, 5, 4, tzinfo=UTC)


def key(what, text):
    return keyed_hash(b"h" * 32, what, text)


def mid(number):
    ref = own_token.reference(UUID(int=number << 64))
    return MessageId(own_token.message_id(KEYS, ref, nonce=bytes(10), audience=Audience.EXTERNAL, domain="x.example"))


def plus(number):
    ref = own_token.reference(UUID(int=number << 64))
    return own_token.reply_address(KEYS, ref, nonce=bytes(2), audience=Audience.INTERNAL, mailbox="support@x.example")


def test_numbers_that_may_be_tokens_are_evidence_the_last_one_nearest():
    found = list(token_evidence.of_subject("Re: Order 4711 old#0002002 CRM:0001001", key=key))

    assert [(Kind.TRACKING_TOKEN, 0, key("token", "0001001")), (Kind.TRACKING_TOKEN, 1, key("token", "0002002"))] == [
        (e.kind, e.position, e.target) for e in found
    ]
    assert found[0].value.endswith(" CRM:0001001")


def test_one_number_is_one_piece_of_evidence():
    (found,) = token_evidence.of_subject("CRM:0001001 CRM:0001001 old#0001001", key=key)

    assert found.value.endswith("old#0001001")


def test_own_tokens_are_looked_for_in_addresses_first_and_then_in_what_is_answered():
    given = message(
        to=(Mailbox("", "anna@own.example"), Mailbox("", plus(1))),
        headers=(("delivered-to", f"<{plus(2)}>"), ("x-original-to", plus(3)), ("list-post", plus(9))),
        in_reply_to=(mid(4),),
        references=(mid(7), mid(6), mid(4)),
    )

    found = list(token_evidence.of_own(token_evidence.verified(given, KEYS, at=NOW)))

    assert [UUID(int=n << 64) for n in (1, 2, 3, 4, 6, 7)] == [e.target for e in found]
    assert list(range(6)) == [e.position for e in found]
    assert found[0].value.startswith("internal a.")


def test_a_token_of_ours_in_the_subject_is_evidence_of_its_own_and_no_number():
    ref = own_token.reference(UUID(int=5 << 64))
    token = own_token.in_subject(KEYS, ref, nonce=bytes(2), audience=Audience.EXTERNAL)
    numbers = f"[1a{'a' * 40}777]"
    given = message(subject=f"Re: Offer CRM:0001001 {token} {numbers}", in_reply_to=(mid(5),))
    found = token_evidence.verified(given, KEYS, at=NOW)

    assert [(Kind.OWN_TOKEN, 0), (Kind.OWN_SUBJECT_TOKEN, 0)] == [
        (e.kind, e.position) for e in token_evidence.of_own(found)
    ]
    assert {UUID(int=5 << 64)} == {e.target for e in token_evidence.of_own(found)}
    assert 1 == found.forged
    assert ["Re: Offer CRM:0001001"] == [e.value.strip() for e in token_evidence.of_subject(given.subject, key=key)]


def test_the_proof_of_a_token_is_not_kept():
    given = message(in_reply_to=(mid(4),))
    (found,) = token_evidence.of_own(token_evidence.verified(given, KEYS, at=NOW))

    proof = mid(4).partition("@")[0].rpartition(".")[2]
    assert proof not in found.value
