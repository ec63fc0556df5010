"""Our own check of signatures beside what trusted servers say, in the decisions of the resolver."""

from dataclasses import replace

import pytest

from services.domain.facts import Policy
from services.domain.signing_keys import key_of
from services.resolver.policy import settings_of
from services.settings.snapshot import EMPTY, apply
from tests.component.resolver.conftest import Resolver, mail
from tests.signing import new_key, record, sign

SUPPORT = "support@own.example"
EVE = "Eve <eve@stranger.example>"
MX = "mx.own.example"
FAILED = f"{MX}; dmarc=fail (p=reject) header.from=stranger.example"
PRIVATE = new_key()
KEY = key_of(record(PRIVATE, domain="stranger.example"))


def known(resolver: Resolver, *keys) -> None:
    policy = Policy(version=1, trusted_authserv=(MX,), dkim_keys={key.name: key for key in keys})
    resolver.settings = replace(resolver.settings, policy=policy, blobs=resolver.blobs)


def looked(resolver: Resolver, name: str) -> dict[str, tuple[str, str, bool]]:
    """Return what the decision looked at, by kind."""
    ((evidence,),) = resolver.rows(
        "SELECT x.evidence FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id"
        " JOIN resolver.message m USING (message_key) WHERE x.current AND m.message_id = %s",
        f"{name}@x.example",
    )
    return {one["kind"]: (one["value"], one["why"], one["counts"]) for one in evidence}


def answer(**headers: str) -> bytes:
    return sign(mail("in", answers=["root"], From=EVE, **headers), PRIVATE, d="stranger.example")


@pytest.mark.parametrize(("keys", "new"), [((KEY,), True), ((), False)])
def test_a_signature_shows_who_an_outsider_is_where_its_key_is_given(resolver: Resolver, keys, new):
    known(resolver, *keys)
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(answer(), mailbox=SUPPORT))
    seen = looked(resolver, "in")

    assert ("is who it says" in seen["sender"][1]) == new
    assert ("signature" in seen) == new
    if new:
        assert (str(KEY.name), True) == (seen["signature"][0], seen["signature"][2])


def test_a_signature_that_is_not_good_leaves_a_stranger_and_explain_says_why(resolver: Resolver):
    known(resolver, KEY)
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(answer().replace(b"Hello from", b"Greetings from"), mailbox=SUPPORT))
    seen = looked(resolver, "in")

    assert "does not belong" in seen["sender"][1]
    assert "the body is not the one that was signed" in seen["signature"][1]
    assert not seen["signature"][2]


def test_a_trusted_refusal_stands_beside_a_good_signature(resolver: Resolver):
    known(resolver, KEY)
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(answer(Authentication_Results=FAILED), mailbox=SUPPORT))

    assert "is not who it says" in looked(resolver, "in")["sender"][1]


def test_who_takes_part_is_not_asked_for_a_signature(resolver: Resolver):
    known(resolver, KEY)
    resolver.resolve(resolver.record(mail("root", Cc="eve@stranger.example")))
    resolver.resolve(resolver.record(answer(), mailbox=SUPPORT))

    assert {"signature", "sender"}.isdisjoint(looked(resolver, "in"))


def test_keys_that_are_given_later_count_when_it_is_decided_again(resolver: Resolver):
    known(resolver)
    resolver.resolve(resolver.record(mail("root")))
    resolver.resolve(resolver.record(answer(), mailbox=SUPPORT))
    before = looked(resolver, "in")
    given = apply(EMPTY, "organization", 2, {"tracking.dkimKeys": [record(PRIVATE, domain="stranger.example")]})
    resolver.settings = settings_of(given, blobs=resolver.blobs)
    again = resolver.record(answer(), mailbox="anna@own.example")
    resolver.resolve(again)

    assert "signature" not in before
    assert {(KEY.name.domain, True)} == {
        (name.domain, key.material == KEY.material) for name, key in resolver.settings.policy.dkim_keys.items()
    }
    ((evidence,),) = resolver.rows(
        "SELECT x.evidence FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id"
        " WHERE x.current AND d.mailbox = 'anna@own.example'"
    )
    assert [True] == [one["counts"] for one in evidence if one["kind"] == "signature"]
