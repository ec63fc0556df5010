"""What goes over the wire when logging in, and what a refusal becomes."""

from base64 import b64decode, b64encode

import pytest

from services.fetcher import failures
from services.fetcher.authentication import LONGEST_INITIAL, log_in
from services.fetcher.imap import Server, session
from services.fetcher.mechanisms import Password, Token
from services.fetcher.trust import trust
from services.fetcher.wire import Wire
from tests.component.fetcher.hostile import HostileServer

pytestmark = pytest.mark.component

INVALID = b64encode(b'{"status":"invalid_token"}')


class Consent:
    """Tokens as they come: each refusal brings the next, until there is none."""

    def __init__(self, *tokens):
        self.left = list(tokens)

    def current(self):
        return Token(self.left[0])

    def instead_of(self, refused):
        assert Token(self.left.pop(0)) == refused
        return Token(self.left[0]) if self.left else None


def offering(*capabilities):
    return lambda _s, tag, _l: f"* CAPABILITY IMAP4rev1 {' '.join(capabilities)}\r\n{tag} OK done\r\n".encode()


def dialogue(*challenges, end):
    """Send the challenges one by one; ``answered`` collects what comes back."""
    answered = []

    def hook(sock, tag, _line):
        for challenge in challenges:
            sock.sendall(b"+ " + challenge + b"\r\n")
            line = b""
            while not line.endswith(b"\n") and (more := sock.recv(65536)):
                line += more
            answered.append(line.strip())
        return f"{tag} {end}\r\n".encode()

    return hook, answered


def enter(server, credential, *, auth="auto", user="ada@example.org"):
    where = Server(host="127.0.0.1", port=server.port, tls="none", auth=auth, seconds=1)
    with session(where, user, credential):
        pass


@pytest.mark.parametrize(
    ("capabilities", "auth", "message"),
    [
        (
            ("AUTH=OAUTHBEARER", "AUTH=XOAUTH2"),
            "auto",
            b"n,a=ada@example.org,\1host=127.0.0.1\1port=%d\1auth=Bearer t\1\1",
        ),
        (("AUTH=XOAUTH2",), "auto", b"user=ada@example.org\1auth=Bearer t\1\1"),
        (("AUTH=OAUTHBEARER", "AUTH=XOAUTH2"), "xoauth2", b"user=ada@example.org\1auth=Bearer t\1\1"),
    ],
)
@pytest.mark.parametrize("initial", [True, False], ids=["SASL-IR", "no SASL-IR"])
def test_a_token_is_sent_as_its_mechanism_says(hostile, capabilities, auth, message, initial):
    hook, answered = dialogue(*(() if initial else (b"",)), end="OK welcome")
    server = hostile(CAPABILITY=offering(*capabilities, *(["SASL-IR"] if initial else [])), AUTHENTICATE=hook)

    enter(server, Consent("t"), auth=auth)

    (command,) = [line for line in server.said if line.startswith("AUTHENTICATE")]
    sent = command.split()[2].encode() if initial else answered[0]
    assert message.replace(b"%d", str(server.port).encode()) == b64decode(sent)


def test_a_long_message_does_not_stand_on_the_command_line(hostile):
    """RFC 7162 section 4: servers need not read longer lines."""
    hook, answered = dialogue(b"", end="OK welcome")
    server = hostile(CAPABILITY=offering("AUTH=XOAUTH2", "SASL-IR"), AUTHENTICATE=hook)

    enter(server, Consent("t" * LONGEST_INITIAL))

    assert "AUTHENTICATE XOAUTH2" in server.said
    assert b"t" * LONGEST_INITIAL in b64decode(answered[0])


@pytest.mark.parametrize(("mechanism", "reply"), [("XOAUTH2", b""), ("OAUTHBEARER", b"AQ==")])
def test_the_challenge_of_a_refusal_is_answered_and_the_token_replaced_once(hostile, mechanism, reply):
    hook, answered = dialogue(INVALID, end="NO [AUTHENTICATIONFAILED] no")
    server = hostile(CAPABILITY=offering(f"AUTH={mechanism}", "SASL-IR"), AUTHENTICATE=hook)

    with pytest.raises(failures.LoginRefused, match="refuses the access token: it is invalid or has expired") as caught:
        enter(server, Consent("one", "two", "three"))

    assert [reply, reply] == answered
    sent = [b64decode(line.split()[2]) for line in server.said if line.startswith("AUTHENTICATE")]
    assert [b"Bearer one" in sent[0], b"Bearer two" in sent[1]] == [True, True]
    assert "one" not in str(caught.value)
    assert caught.value.permanent


def test_without_another_token_the_refusal_stands(hostile):
    hook, _ = dialogue(INVALID, end="NO no")
    server = hostile(CAPABILITY=offering("AUTH=XOAUTH2", "SASL-IR"), AUTHENTICATE=hook)

    with pytest.raises(failures.LoginRefused):
        enter(server, Consent("one"))
    assert 1 == sum(line.startswith("AUTHENTICATE") for line in server.said)


def test_a_server_that_goes_on_asking_is_given_up(hostile):
    hook, answered = dialogue(*[b""] * 50, end="OK welcome")
    server = hostile(CAPABILITY=offering("AUTH=OAUTHBEARER"), AUTHENTICATE=hook)

    with pytest.raises(failures.ProtocolError, match="goes on asking"):
        enter(server, Consent("t"))
    assert b"AQ==" == answered[1]


@pytest.mark.parametrize("code", ["UNAVAILABLE", "LIMIT", "INUSE"])
@pytest.mark.parametrize("credential", [Password("secret"), Consent("t")], ids=["password", "token"])
def test_a_refusal_that_passes_is_no_fault_of_the_credential(hostile, code, credential):
    """RFC 5530 section 3: nobody should be told to correct a password, and no token is replaced."""
    refuse = lambda _s, tag, _l: f"{tag} NO [{code}] later\r\n".encode()  # noqa: E731
    server = hostile(CAPABILITY=offering("AUTH=XOAUTH2", "SASL-IR"), LOGIN=refuse, AUTHENTICATE=refuse)

    with pytest.raises(failures.LoginUnavailable, match=code) as caught:
        enter(server, credential)
    assert not caught.value.permanent


def test_a_user_name_that_would_add_a_field_is_refused(hostile):
    server = hostile(CAPABILITY=offering("AUTH=XOAUTH2", "SASL-IR"))

    with pytest.raises(failures.LoginRefused, match="control character"):
        enter(server, Consent("t"), user="ada\1auth=Bearer other")
    assert not any(line.startswith("AUTHENTICATE") for line in server.said)


def test_nothing_secret_goes_over_a_connection_that_should_be_encrypted(hostile):
    server: HostileServer = hostile()
    wire = Wire("127.0.0.1", server.port, seconds=1, tls=trust(None), implicit=False)

    with pytest.raises(failures.TlsNotOffered, match="nothing secret was sent"):
        log_in(wire, "ada", Password("secret"), auth="auto", encrypted=True)
    assert not any("LOGIN" in line for line in server.said)
    wire.shutdown()
