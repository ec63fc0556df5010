"""Our token with a MAC: what it survives, what it does not prove, and that nobody else can make one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import own_token
from services.domain.identity import canonical_ids
from services.domain.own_token import Audience, Key, Keys
from tests.forgeries import forgeries

NOW = datetime(2026, 5, 4, tzinfo=UTC)
KEYS = Keys("own.example", (Key("b", b"second" * 6), Key("a", b"first" * 6, NOW + timedelta(days=30))))
ID_KEY = UUID("0123456789abcdef0123456789abcdef")
REF = own_token.reference(ID_KEY)

keys = st.builds(Key, kid=st.just("k"), secret=st.binary(min_size=32, max_size=32))
audiences = st.sampled_from(Audience)


def made(**changes):
    given = {"nonce": bytes(10), "audience": Audience.EXTERNAL, "domain": "own.example", **changes}
    return own_token.message_id(given.pop("keys", KEYS), given.pop("ref", REF), **given)


def address(**changes):
    given = {"nonce": bytes(2), "audience": Audience.EXTERNAL, "mailbox": "support@own.example", **changes}
    return own_token.reply_address(given.pop("keys", KEYS), given.pop("ref", REF), **given)


def verified(*ids, addresses=(), keys=KEYS, at=NOW):
    return own_token.verify(keys, addresses, ids, at=at)


@given(keys, st.uuids(), st.binary(min_size=10, max_size=10), audiences)
def test_a_token_says_what_it_was_made_for_as_an_id_and_as_an_address(key, id_key, nonce, audience):
    of = Keys("t", (key,))
    ref = own_token.reference(id_key)
    one = made(keys=of, ref=ref, nonce=nonce, audience=audience)
    two = address(keys=of, ref=ref, nonce=nonce[:2], audience=audience)

    for found in (verified(one, keys=of), verified(addresses=[two], keys=of)):
        assert [(ref, audience)] == [(t.ref, t.audience) for t in found.tokens]
        assert 0 == found.forged
    assert id_key.bytes[:8] + bytes(8) == own_token.target(ref).bytes


def test_an_id_with_its_brackets_is_short_enough_for_everybody():
    assert len(f"<{made(domain='mail.customer-relations.example')}>") <= own_token.LONGEST_ID
    with pytest.raises(ValueError, match="is too long for a Message-ID"):
        made(domain="a-very-long-name-indeed.customer-relations.example")


def test_an_address_keeps_to_the_length_of_a_local_part():
    assert 64 == len(address(mailbox="firstname.lastname@own.example").rpartition("@")[0])
    with pytest.raises(ValueError, match="has more than 18 characters"):
        address(mailbox="firstname.lastname2@own.example")


@pytest.mark.parametrize("change", [str.upper, str.title, lambda t: t[:30] + "\r\n " + t[30:], lambda t: f" {t}\t"])
def test_relays_that_change_case_or_fold_lines_break_nothing(change):
    assert 1 == len(verified(change(made())).tokens)
    assert 1 == len(verified(addresses=[change(address())]).tokens)
    assert 1 == len(verified(*canonical_ids([f"<{change(made())}>"])).tokens)


def test_the_address_is_nearer_than_the_ids_and_of_these_the_first():
    other, third = (own_token.reference(UUID(int=n << 64)) for n in (1, 2))

    found = verified(made(ref=other), made(ref=third), made(ref=other), addresses=[address()])

    assert [REF, other, third] == [t.ref for t in found.tokens]


@given(keys, st.uuids(), st.binary(min_size=2, max_size=2), audiences)
def test_a_token_in_a_subject_says_what_it_was_made_for(key, id_key, nonce, audience):
    of = Keys("t", (key,))
    ref = own_token.reference(id_key)
    token = own_token.in_subject(of, ref, nonce=nonce, audience=audience)

    for subject in (token, f"AW: {token.upper()} (was: x)", f"Re: Offer {token}, {token}"):
        found = own_token.verify(of, (), (), at=NOW, subject=subject)
        assert [(ref, audience)] == [(t.ref, t.audience) for t in found.in_subject]
        assert ((), 0) == (found.tokens, found.forged)
    assert "Re: Offer " == own_token.without(f"Re: Offer {token}")


def test_a_token_that_was_seen_in_a_subject_opens_no_address_and_the_other_way_round():
    seen = own_token.in_subject(KEYS, REF, nonce=bytes(2), audience=Audience.EXTERNAL)[1:-1]
    inside = address().partition("+")[2].partition("@")[0]

    lifted = verified(addresses=[f"support+{seen}@own.example"])
    shown = own_token.verify(KEYS, (), (), at=NOW, subject=f"[{inside}]")

    assert ((), (), 1) == (lifted.tokens, lifted.in_subject, lifted.forged)
    assert ((), (), 1) == (shown.tokens, shown.in_subject, shown.forged)


def test_the_last_token_of_a_subject_is_the_nearest_and_their_number_is_bounded():
    refs = [own_token.reference(UUID(int=n << 64)) for n in range(1, 20)]
    tokens = [own_token.in_subject(KEYS, ref, nonce=bytes(2), audience=Audience.EXTERNAL) for ref in refs]

    found = own_token.verify(KEYS, (), (), at=NOW, subject=" ".join(tokens))

    assert refs[: -own_token.MOST_IN_SUBJECT - 1 : -1] == [token.ref for token in found.in_subject]


@pytest.mark.parametrize("subject", ["[1" * 10**6, "[1" + "a" * 10**6 + "]", f"[1{'a' * 43}]"[:-1], f"1{'a' * 44}"])
def test_a_subject_without_the_shape_of_a_token_has_none(subject):
    found = own_token.verify(KEYS, (), (), at=NOW, subject=subject)

    assert ((), 0) == (found.in_subject, found.forged)


def test_a_retired_key_verifies_until_its_end_and_makes_no_tokens():
    old = Keys(KEYS.tenant, (Key("a", KEYS.all[1].secret),))

    assert 1 == len(verified(made(keys=old), at=NOW + timedelta(days=30)).tokens)
    assert (0, 1) == (
        len((late := verified(made(keys=old), at=NOW + timedelta(days=31))).tokens),
        late.forged,
    )
    assert made().startswith("1.b.")


@pytest.mark.parametrize(
    "keys",
    [
        Keys("other.example", KEYS.all),
        Keys(KEYS.tenant, (Key("b", b"another" * 6),)),
        Keys(KEYS.tenant, (Key("c", KEYS.all[0].secret),)),
        Keys(KEYS.tenant, ()),
    ],
    ids=["another installation", "another secret", "another name", "no key"],
)
def test_a_token_of_others_is_forged(keys):
    assert ((), 1) == ((found := verified(made(), keys=keys)).tokens, found.forged)


def test_a_token_is_bound_to_its_thread_its_nonce_and_its_way():
    version, kid, ref, nonce, mac = made().partition("@")[0].split(".")
    other = own_token.reference(UUID(int=1))

    for parts in ((version, kid, other, nonce, mac), (version, kid, ref, "b" + nonce[1:], mac)):
        assert ((), 1) == ((found := verified(f"{'.'.join(parts)}@own.example")).tokens, found.forged)


@pytest.mark.parametrize(
    "text", ["", "@", "1.b@own.example", "kim@own.example", "support+tag@own.example", "a" * 10**6]
)
def test_what_has_not_the_shape_of_a_token_is_neither_good_nor_forged(text):
    assert ((), 0) == ((found := verified(text, addresses=[text])).tokens, found.forged)


def test_hostile_addresses_cost_their_length():
    assert 0 == len(verified("+1" * 10**6 + "@x", addresses=["+1b" * 10**6 + "@x", "+" * 10**6]).tokens)


def test_secrets_do_not_show():
    assert "second" not in repr(KEYS)


def test_no_forgery_is_accepted():
    """The long run is ``make fuzz``."""
    assert 0 == forgeries(KEYS, count=5_000, seed=1, at=NOW)
