"""Public keys of DKIM as an administrator gives them, and what follows from our own check."""

import pytest

from services.domain.authentication import Authentication
from services.domain.signatures import Checked, proven
from services.domain.signing_keys import Name, Unfit, key_of


@pytest.mark.parametrize(
    ("text", "kind", "strict"),
    [
        ("S1._DomainKey.Customer.Example. v=DKIM1; k=rsa; p=eA==", "rsa", False),
        ("s1._domainkey.customer.example\tp = e A\t== ;", "rsa", False),
        ('s1._domainkey.customer.example "v=DKIM1; p=e" "A=="', "rsa", False),
        ("s1._domainkey.customer.example v=DKIM1; k=ed25519; h=sha1:sha256; s=email; n=a; p=eA==", "ed25519", False),
        ("s1._domainkey.customer.example t=s; p=eA==", "rsa", True),
    ],
)  # fmt: skip
def test_a_record_is_read_as_it_stands_in_the_dns(text, kind, strict):
    key = key_of(text)

    assert (Name("customer.example", "s1"), kind, b"x", strict) == (key.name, key.kind, key.material, key.strict)
    assert str(key.name) == "s1._domainkey.customer.example"
    assert "eA" not in repr(key)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must begin with the name"),
        ("v=DKIM1; p=eA==", "must begin with the name"),
        ("s1._domainkey. p=eA==", "must begin with the name"),
        ("s1._domainkey.example p=eA==", "must begin with the name"),
        ("s 1._domainkey.a.example p=eA==", "must begin with the name"),
        ("s1._domainkey.a.example", "as it stands in the DNS"),
        ("s1._domainkey.a.example p=eA==; p=eA==", "a tag twice"),
        ("s1._domainkey.a.example p=é", "not ASCII"),
        ("s1._domainkey.a.example p=e", "no base64"),
        ("s1._domainkey.a.example p=", "revoked"),
        ("s1._domainkey.a.example v=DKIM1", "p= is missing"),
        ("s1._domainkey.a.example v=DKIM2; p=eA==", "v=DKIM1"),
        ("s1._domainkey.a.example k=dsa; p=eA==", "take k=rsa"),
        ("s1._domainkey.a.example h=sha1; p=eA==", "rsa-sha1 only"),
        ("s1._domainkey.a.example s=tlsrpt; p=eA==", "another service"),
        ("s1._domainkey.a.example t=y:s; p=eA==", "only tests"),
    ],
)
def test_what_is_no_key_to_believe_says_what_to_do(text, why):
    with pytest.raises(Unfit, match=why):
        key_of(text)


@pytest.mark.parametrize("good", [True, False])
def test_our_own_check_tells_what_trusted_servers_do_not_and_never_overrules_a_refusal(good):
    said = {how: proven(how, Checked(good=good)) for how in Authentication}

    assert said == {
        Authentication.PASSED: Authentication.PASSED,
        Authentication.UNKNOWN: Authentication.PASSED if good else Authentication.UNKNOWN,
        Authentication.FAILED: Authentication.FAILED,
    }
