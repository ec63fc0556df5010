"""Which mechanism is chosen, and that what is said in it can be taken apart again."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.failures import MechanismUnavailable
from services.fetcher.mechanisms import Mechanism, Password, Token, choose, oauthbearer, plain, reason, xoauth2

WHERE = "imap.example.org:993"
BOTH = ("IMAP4REV1", "AUTH=XOAUTH2", "AUTH=OAUTHBEARER", "AUTH=PLAIN")
PASSWORD, FOREIGN, TOKEN = Password("secret"), Password("pässword"), Token("ya29.secret")

printable = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1)
tokens = st.text("abcXYZ019-._~+/", min_size=1).map(lambda t: t + "=")


@pytest.mark.parametrize(
    ("auth", "credential", "offered", "chosen"),
    [
        pytest.param("auto", PASSWORD, (), "LOGIN", id="password"),
        pytest.param("auto", PASSWORD, BOTH, "LOGIN", id="password-where-all-is-offered"),
        pytest.param("auto", FOREIGN, BOTH, "PLAIN", id="password-beyond-ASCII"),
        pytest.param("auto", PASSWORD, ("LOGINDISABLED", "AUTH=PLAIN"), "PLAIN", id="no-LOGIN"),
        pytest.param("plain", PASSWORD, BOTH, "PLAIN", id="plain-asked-for"),
        pytest.param("login", PASSWORD, BOTH, "LOGIN", id="login-asked-for"),
        pytest.param("auto", TOKEN, BOTH, "OAUTHBEARER", id="token"),
        pytest.param("auto", TOKEN, ("AUTH=XOAUTH2",), "XOAUTH2", id="token-where-only-the-older-one-is"),
        pytest.param("xoauth2", TOKEN, BOTH, "XOAUTH2", id="xoauth2-asked-for"),
        pytest.param("oauthbearer", TOKEN, BOTH, "OAUTHBEARER", id="oauthbearer-asked-for"),
    ],
)
def test_the_mechanism_is_what_profile_credential_and_server_have_in_common(auth, credential, offered, chosen):
    assert Mechanism(chosen) is choose(auth, "ada", credential, offered, WHERE)


def test_only_plain_opens_the_mailbox_of_another_with_a_password():
    assert Mechanism.PLAIN is choose("auto", "master", PASSWORD, BOTH, WHERE, opens="ada")
    assert b"ada\0master\0secret" == plain("master", "secret", "ada")
    with pytest.raises(MechanismUnavailable, match="offers no PLAIN"):
        choose("auto", "master", PASSWORD, (), WHERE, opens="ada")


@pytest.mark.parametrize(
    ("auth", "user", "credential", "offered", "said"),
    [
        ("auto", "ada", PASSWORD, ("LOGINDISABLED",), "use tls implicit or starttls"),
        ("login", "ada", PASSWORD, ("LOGINDISABLED", "AUTH=PLAIN"), "use tls implicit or starttls"),
        ("login", "ada", FOREIGN, BOTH, "offers no LOGIN for this user"),
        ("auto", "äda", PASSWORD, (), "offers no LOGIN or PLAIN"),
        ("plain", "ada", PASSWORD, (), "offers no PLAIN"),
        ("auto", "ada", TOKEN, ("AUTH=PLAIN", "AUTH=GSSAPI"), "but GSSAPI, PLAIN;"),
        ("xoauth2", "ada", TOKEN, ("AUTH=OAUTHBEARER",), "offers no XOAUTH2"),
        ("xoauth2", "ada", PASSWORD, BOTH, "the credential is a password"),
        ("plain", "ada", TOKEN, BOTH, "the credential is an OAuth one"),
    ],
)
def test_nothing_in_common_is_said_with_what_to_do(auth, user, credential, offered, said):
    with pytest.raises(MechanismUnavailable, match=said) as caught:
        choose(auth, user, credential, offered, WHERE)
    assert "secret" not in str(caught.value)
    assert caught.value.permanent


@given(printable, tokens)
def test_a_server_reads_user_and_token_from_oauthbearer(user, token):
    """RFC 7628 section 3.1 and RFC 5801 section 4: no user name can pass for another or add a field."""
    header, *pairs = oauthbearer(user, token, "imap.example.org", 993).decode().split("\1")

    flag, name, end = header.split(",")
    assert ("n", "") == (flag, end)
    assert f"a={user}" == name.replace("=2C", ",").replace("=3D", "=")
    assert ["host=imap.example.org", "port=993", f"auth=Bearer {token}", "", ""] == pairs


@given(printable, tokens)
def test_a_server_reads_user_and_token_from_xoauth2(user, token):
    assert [f"user={user}", f"auth=Bearer {token}", "", ""] == xoauth2(user, token).decode().split("\1")


@given(printable, printable)
def test_a_server_reads_user_and_password_from_plain(user, password):
    assert ["", user, password] == plain(user, password).decode().split("\0")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b'{"status":"invalid_token","scope":"mail"}', "invalid or has expired"),
        (b'{"status":"400","schemes":"Bearer"}', "invalid or has expired"),
        (b'{"status":"insufficient_scope"}', "scope"),
        (b'{"status":"the token is ya29.secret"}', "does not say why"),
        (b'{"status":["400"]}', "does not say why"),
        (b"[1]", "does not say why"),
        (b"", "does not say why"),
        (b"[" * 100_000, "does not say why"),
    ],
)
def test_why_a_token_is_refused_is_said_without_repeating_the_server(said, words):
    assert words in reason(b64encode(said))


@given(st.binary())
def test_no_challenge_is_an_error(challenge):
    assert reason(challenge)


def test_no_repr_shows_a_secret():
    assert "secret" not in f"{PASSWORD!r} {TOKEN!r} {[PASSWORD, TOKEN]}"
