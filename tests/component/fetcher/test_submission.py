"""Whether a mailbox may send, asked of a real SMTP server: logins, TLS, senders, and servers that misbehave."""

import socket
import threading
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import replace

import pytest
from aiosmtpd.smtp import AuthResult

from services.fetcher import failures
from services.fetcher.imap import Server
from services.fetcher.mechanisms import Password, Token
from services.fetcher.submission import probe
from tests.component.fetcher import certificates
from tests.component.fetcher.outgoing_server import Envelopes, listening

pytestmark = pytest.mark.component

ADA = "ada@example.org"
USERS = {"ada": "sécret", "relay": "plain"}


@pytest.fixture
def authority(tmp_path):
    return certificates.authority(tmp_path / "authority.pem")


@pytest.fixture
def context(authority, tmp_path):
    return certificates.served(authority, tmp_path / "server.pem")


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize(("user", "auth"), [("ada", "auto"), ("relay", "auto"), ("relay", "login"), ("relay", "plain")])
def test_a_sender_that_may_send_passes_and_no_mail_is_sent(authority, context, tls, user, auth):
    asked = Envelopes()
    with listening(asked, USERS, tls=tls, context=context, ca_file=authority.file) as server:
        probe(replace(server, auth=auth), ADA, user, Password(USERS[user]))

    assert ([ADA], [user], 0) == (asked.senders, asked.logins, asked.mails)


def test_a_server_that_wants_no_login_is_asked_without():
    asked = Envelopes()
    with listening(asked, {}) as server:
        probe(server, ADA, "", None)

    assert ([ADA], []) == (asked.senders, asked.logins)


def test_a_wrong_password_is_told_and_never_repeated():
    with listening(Envelopes(), USERS) as server, pytest.raises(failures.LoginRefused) as error:
        probe(server, ADA, "relay", Password("wrong secret"))

    assert "wrong secret" not in str(error.value)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        ("550 5.7.1 not yours", failures.SenderRefused),
        ("450 4.7.1 later", failures.SubmissionFailed),
        ("421 4.3.2 shutting down", failures.MailServerError),
    ],
)
def test_a_sender_that_is_refused_for_good_is_another_thing_than_one_that_is_for_now(reply, failure):
    with listening(Envelopes(reply), USERS) as server, pytest.raises(failure) as error:
        probe(server, ADA, "relay", Password("plain"))

    assert "not yours" not in str(error.value)
    assert (failure is failures.SenderRefused) == error.value.permanent


def test_a_stripped_starttls_gets_no_password(authority):
    asked = Envelopes()
    with listening(asked, USERS) as server, pytest.raises(failures.TlsNotOffered):
        probe(replace(server, tls="starttls", ca_file=authority.file), ADA, "relay", Password("plain"))

    assert ([], []) == (asked.logins, asked.senders)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_of_nobody_we_trust_gets_no_password(context, tmp_path, tls):
    stranger, asked = certificates.authority(tmp_path / "stranger.pem"), Envelopes()
    with (
        listening(asked, USERS, tls=tls, context=context, ca_file=stranger.file) as server,
        pytest.raises(failures.CertificateNotTrusted),
    ):
        probe(server, ADA, "relay", Password("plain"))

    assert [] == asked.logins


class Tokens(Envelopes):
    """Lets in whoever has the token ``good``, by XOAUTH2; a refusal begins with a challenge, as Google's does."""

    async def auth_XOAUTH2(self, server, args):  # noqa: N802 - aiosmtpd's name
        said = b64decode(args[1])
        self.logins.append(said)
        if said.endswith(b"Bearer good\1\1"):
            return AuthResult(success=True, auth_data=said)
        assert b"" == await server.challenge_auth('{"status":"401"}')
        return AuthResult(success=False, handled=False)


def test_a_token_logs_in_and_one_that_is_refused_after_a_challenge_is_replaced_once():
    class Consent:
        def current(self):
            return Token("old")

        def instead_of(self, refused):
            assert Token("old") == refused
            return Token("good")

    asked = Tokens()
    with listening(asked, {}) as server:
        probe(server, ADA, "ada", Consent())

    said = [f"user=ada\1auth=Bearer {token}\1\1".encode() for token in ("old", "good")]
    assert (said, [ADA]) == (asked.logins, asked.senders)


@contextmanager
def saying(*pieces):
    """A server that sends these pieces as fast as they are taken, whatever it is asked; yields where it listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening_at:

        def serve():
            with listening_at.accept()[0] as sock:
                try:
                    for piece in pieces:
                        sock.sendall(piece)
                    while sock.recv(4096):
                        pass
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Server(host="127.0.0.1", port=listening_at.getsockname()[1], tls="none", seconds=0.5)


@pytest.mark.parametrize(
    ("pieces", "failure"),
    [
        pytest.param((), failures.TimedOut, id="silent"),
        pytest.param((b"554 no\r\n",), failures.SubmissionFailed, id="closed"),
        pytest.param((b"\x00\xff\xfe garbage\r\n",), failures.MailServerError, id="no-SMTP"),
        pytest.param((b"220 hi\r\n", *[b"250-more\r\n" * 1000] * 100), failures.ProtocolError, id="endless-reply"),
        pytest.param((b"220 " + b"x" * 100_000,), failures.MailServerError, id="endless-line"),
    ],
)
def test_a_server_that_misbehaves_is_one_of_our_failures_and_holds_nobody(pieces, failure):
    with saying(*pieces) as server, pytest.raises(failure):
        probe(server, ADA, "relay", Password("plain"))


def test_nobody_listening_is_a_refused_connection():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(failures.ConnectionRefused):
        probe(Server(host="127.0.0.1", port=port, tls="none", seconds=1), ADA, "u", None)
