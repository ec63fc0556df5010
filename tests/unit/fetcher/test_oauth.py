"""What the answers of token endpoints mean, and where secrets may be sent."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.errors import Refused
from services.fetcher import failures
from services.fetcher.oauth import LONGEST_LIFE, answered
from services.fetcher.token_endpoint import Endpoint, endpoint
from services.storage.sealing import Secret

NOW = datetime(2026, 11, 28, tzinfo=UTC)
OLD = Secret(b"old")

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
fields = st.sampled_from(["access_token", "refresh_token", "expires_in", "error", "token_type"])


def read(body, status=200):
    return answered(status, json.dumps(body).encode(), OLD, "login.example.org", NOW)


@pytest.mark.parametrize(
    ("body", "refresh", "seconds"),
    [
        ({"access_token": "t", "expires_in": 3599, "refresh_token": "new"}, b"new", 3599),
        ({"access_token": "t", "expires_in": "3599"}, b"old", 3599),
        ({"access_token": "t"}, b"old", 3600),
        ({"access_token": "t", "expires_in": -5, "refresh_token": ""}, b"old", 0),
        ({"access_token": "t", "expires_in": 10**30, "refresh_token": None}, b"old", LONGEST_LIFE),
        ({"access_token": "t", "expires_in": True}, b"old", 3600),
    ],
)
def test_a_token_its_end_and_the_refresh_token_that_counts(body, refresh, seconds):
    found = read(body)

    assert (b"t", refresh) == (found.access.token.reveal(), found.refresh_token.reveal())
    assert NOW + timedelta(seconds=seconds) == found.access.expires


@pytest.mark.parametrize(
    ("status", "error", "failure"),
    [
        (400, "invalid_grant", failures.ConsentWithdrawn),
        (400, "interaction_required", failures.ConsentWithdrawn),
        (401, "invalid_client", failures.ClientRefused),
        (400, "invalid_scope", failures.ClientRefused),
        (400, "slow_down", failures.TokenEndpointFailed),
        (500, None, failures.TokenEndpointFailed),
        (429, "invalid grant of s3cret", failures.TokenEndpointFailed),
    ],
)
def test_a_refusal_says_who_must_act_and_repeats_no_text(status, error, failure):
    with pytest.raises(failure) as caught:
        read({"error": error, "error_description": "s3cret"}, status)
    assert "s3cret" not in str(caught.value)


@given(st.integers(200, 599), st.dictionaries(fields, values) | values)
def test_whatever_is_answered_is_a_token_or_one_of_our_failures(status, body):
    try:
        found = read(body, status)
    except failures.MailServerError:
        return
    assert found.access.token.reveal().isascii()
    assert found.access.expires >= NOW


@given(st.binary())
def test_whatever_bytes_are_answered_no_other_error_comes_of_it(body):
    with pytest.raises(failures.TokenEndpointFailed):
        answered(200, body + b"}", OLD, "login.example.org", NOW)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://login.example.org/token", Endpoint(True, "login.example.org", 443, "/token")),
        ("https://login.example.org:8443/a/b?c=d", Endpoint(True, "login.example.org", 8443, "/a/b?c=d")),
        ("https://login.example.org", Endpoint(True, "login.example.org", 443, "/")),
        ("http://localhost:8080/token", Endpoint(False, "localhost", 8080, "/token")),
        ("http://127.0.0.1/token", Endpoint(False, "127.0.0.1", 80, "/token")),
        ("http://[::1]:1/token", Endpoint(False, "::1", 1, "/token")),
    ],
)
def test_a_token_endpoint_is_taken_apart(url, parts):
    assert parts == endpoint(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org/token", "http://localhost.example.org/", "http://127.0.0.1.example.org/", "ftp://localhost/",
        "//localhost/", "login.example.org", "", "https://", "https://a:b@login.example.org/", "https://h:99999/",
        "https://[::1/", "https://h/\r\nX: y", "https://h/ x", "https://exämple.org/", "https://h/#x",
    ],
)  # fmt: skip
def test_secrets_are_not_sent_in_clear_text_or_to_what_is_no_address(url):
    with pytest.raises(Refused, match="the token endpoint must"):
        endpoint(url)
