"""Authentication-Results: whose count, which count, and that nothing a stranger writes does."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.domain.authentication import LONGEST_HEADER, Authentication, authenticated, parse

PASSED, UNKNOWN, FAILED = Authentication.PASSED, Authentication.UNKNOWN, Authentication.FAILED
MX = "mx.own.example"
REJECTED = f"{MX}; dmarc=fail (p=REJECT sp=NONE dis=NONE) header.from=customer.example"


def judged(*values, trusted=(MX,), sender="kim@customer.example"):
    return authenticated(sender, [("authentication-results", value) for value in values], trusted)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{MX}; dmarc=pass header.from=customer.example", PASSED),
        (f"{MX.upper()} 1; DMARC=Pass (p=none) header.from=Customer.example", PASSED),
        (f"{MX}; dmarc=pass header.from=evil.example", UNKNOWN),
        (REJECTED, FAILED),
        (f"{MX}; dmarc=fail(p=quarantine dis=none) header.from=customer.example", FAILED),
        (f"{MX}; dmarc=fail action=oreject header.from=customer.example", FAILED),
        (f"{MX}; dmarc=fail header.from=customer.example policy.published-domain-policy=reject", FAILED),
        (f"{MX}; dmarc=fail (p=none dis=none) header.from=customer.example", UNKNOWN),
        (f"{MX}; dmarc=fail header.from=customer.example", UNKNOWN),
        (f"{MX}; dkim=pass (2048-bit key) header.d=customer.example header.b=Ab3+/==", PASSED),
        (f"{MX}; dkim=pass header.i=@mail.customer.example; spf=fail smtp.mailfrom=x.example", PASSED),
        (f"{MX}; dkim/1=pass header.d=evil.example; spf=pass smtp.mailfrom=a@evil.example", UNKNOWN),
        (f"{MX}; spf=pass smtp.mailfrom=bounce@customer.example", PASSED),
        (f"{MX}; spf=pass smtp.mailfrom=customer.example", PASSED),
        (f"{MX}; spf=softfail smtp.mailfrom=customer.example", UNKNOWN),
        (f'{MX}; dkim=fail reason="body; dkim=pass header.d=customer.example" header.d=x.example', UNKNOWN),
        (f"{MX}; dkim=fail (dkim=pass (really) header.d=customer.example) header.d=x.example", UNKNOWN),
        (f"{MX}; dkim=pass header.d=example", UNKNOWN),
        (f"{MX}; none", UNKNOWN),
        (f"{MX}", UNKNOWN),
        ("", UNKNOWN),
        ("mx.evil.example; dmarc=pass header.from=customer.example", UNKNOWN),
        (f"dmarc=pass header.from=customer.example; {MX}", UNKNOWN),
        (f"mx.evil.example ({MX}); dmarc=pass header.from=customer.example", UNKNOWN),
    ],
)  # fmt: skip
def test_what_a_header_says(value, expected):
    assert expected == judged(value)


def test_without_a_trusted_server_nothing_counts():
    assert judged(REJECTED, trusted=()) == UNKNOWN


@pytest.mark.parametrize(
    "forged",
    [
        f"{MX}; dmarc=pass header.from=customer.example",
        f"{MX}; dkim=pass header.d=customer.example",
        f"{MX}; spf=pass smtp.mailfrom=customer.example",
        f"{MX}; none; dmarc=pass header.from=customer.example; dkim=pass header.d=customer.example",
    ],
)
@pytest.mark.parametrize(
    "topmost",
    [
        MX,
        f"{MX}; none",
        f"{MX}; spf=none smtp.mailfrom=evil.example",
        f"{MX}; spf=pass smtp.mailfrom=evil.example; dkim=pass header.d=evil.example",
        f"{MX}; dmarc=none header.from=customer.example",
    ],
)
def test_what_the_topmost_header_does_not_say_is_not_believed_from_below(topmost, forged):
    """A sender may bring headers under the name of our server along: only what that server writes on top is its own."""
    assert UNKNOWN == judged(topmost, forged)
    assert UNKNOWN == judged(topmost, "mx.evil.example; none", forged, forged)
    assert UNKNOWN == judged(topmost, forged, trusted=(MX, "mx.evil.example"))


def test_of_several_trusted_servers_the_topmost_header_counts():
    inner, outer = f"in.{MX}; spf=pass smtp.mailfrom=relay.example", f"{MX}; dmarc=pass header.from=customer.example"

    assert UNKNOWN == judged(inner, outer, trusted=(MX, f"in.{MX}"))
    assert PASSED == judged(inner, outer)


def test_a_refusal_counts_below_the_topmost_header_too_unless_that_has_the_domain_pass():
    passed = f"{MX}; dmarc=pass header.from=customer.example"

    assert FAILED == judged(f"{MX}; dkim=pass header.d=customer.example", REJECTED)
    assert PASSED == judged(passed, REJECTED)


def test_of_one_method_the_topmost_header_counts():
    forged = f"{MX}; dmarc=pass header.from=customer.example"

    assert judged(REJECTED, forged) == FAILED
    assert judged(f"{MX}; spf=pass smtp.mailfrom=x.example", REJECTED) == FAILED


def test_a_header_that_is_too_long_says_nothing():
    assert judged(f"{MX}; dmarc=pass header.from=customer.example;" + " " * LONGEST_HEADER) == UNKNOWN


@given(st.text(alphabet='abm.=;()"\\ \t\n', max_size=200))
@example(';==""')
@example(";/1=pass")
def test_any_text_is_read(value):
    server, results = parse(value)

    assert isinstance(server, str)
    assert all(one.method and one.result for one in results)


@pytest.mark.parametrize("piece", ["(", ")", '"', "\\", "=", ";", "a=b ", "(a", "a(b)"])
def test_hostile_headers_cost_their_length(piece):
    parse(piece * (LONGEST_HEADER // len(piece)))


@given(st.text(max_size=300), st.text(max_size=50))
def test_nothing_that_comes_under_another_name_counts(value, server):
    if server.strip().lower() != MX:
        assert judged(f"{server}; {value}".replace(MX, "x")) == UNKNOWN
