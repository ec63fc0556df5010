"""Does an outgoing server let a mailbox send: asked up to the envelope's sender, so that no mail is sent by asking."""

import smtplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from typing import Any

from services.fetcher import failures, mechanisms
from services.fetcher.authentication import Credential, logged_in
from services.fetcher.imap import Server
from services.fetcher.mechanisms import Mechanism, Password, Token
from services.fetcher.trust import trust
from services.fetcher.wire import Paced, speaking

LARGEST_REPLY = 64 * 1024
ACCEPTED, READY, GO_ON, PERMANENT = 235, 250, 334, 500
_AUTH_LATER = 454  # RFC 4954 section 4.7.6: a temporary failure of the server itself


class _Wire(smtplib.SMTP):
    """smtplib's client with a pace, an end to each reply, and TLS from the first byte where asked for."""

    def __init__(self, server: Server, tls: ssl.SSLContext) -> None:
        self._seconds = server.seconds
        self._tls = tls if server.tls == "implicit" else None
        super().__init__(local_hostname=socket.gethostname(), timeout=server.seconds)
        self._host = server.host  # smtplib checks the certificate of STARTTLS against it
        code, _ = self.connect(server.host, server.port)
        if code != 220:  # noqa: PLR2004 - RFC 5321 section 4.3.1
            raise failures.SubmissionFailed(f"{server} takes no mail for now")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        try:
            return self._tls.wrap_socket(plain, server_hostname=host) if self._tls else plain
        except BaseException:
            plain.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply, as long as it comes at a reasonable pace and ends."""
        if self.file is None:
            self._paced = Paced(self.sock, self._seconds, LARGEST_REPLY)  # type: ignore[arg-type]  # it is open
            self.file = BufferedReader(self._paced)
        self._paced.restart()
        return super().getreply()


def probe(server: Server, sender: str, user: str, credential: Credential | None) -> None:
    """
    Connect, secure, log in where there is a credential, and name the sender; then take it back.

    Raises a :class:`failures.MailServerError` that says what is wrong.
    """
    if credential is None:
        _ask(server, sender, user, None)
    else:
        logged_in(credential, lambda secret: _ask(server, sender, user, secret))


def _ask(server: Server, sender: str, user: str, secret: Password | Token | None) -> None:
    with _speaking(server):
        context = trust(server.ca_file)
        wire = _Wire(server, context)
        try:
            if server.tls == "starttls":
                _secure(wire, server, context)
            wire.ehlo_or_helo_if_needed()
            if secret is not None:
                _log_in(wire, server, user, secret)
            _name_sender(wire, server, sender)
            with suppress(Exception):  # what it answered stands, whatever becomes of the farewell
                wire.rset()
                wire.quit()
        finally:
            with suppress(Exception):
                wire.close()


@contextmanager
def _speaking(server: Server) -> Iterator[None]:
    """Turn every error of smtplib too into one of :mod:`services.fetcher.failures`; no reply is repeated."""
    with speaking(str(server), protocol="SMTP"):
        try:
            yield
        except smtplib.SMTPServerDisconnected as error:
            if isinstance(error.__context__, TimeoutError):
                raise failures.TimedOut(f"{server} did not answer in time") from None
            raise failures.ConnectionLost(f"{server} closed the connection") from None
        except smtplib.SMTPException:
            raise failures.SubmissionFailed(f"{server} refuses a command of SMTP") from None


def _secure(wire: _Wire, server: Server, context: ssl.SSLContext) -> None:
    try:
        wire.starttls(context=context)
    except (smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException):
        raise failures.TlsNotOffered(f"{server} offers no STARTTLS; nothing was sent to it in clear text") from None


def _log_in(wire: _Wire, server: Server, user: str, secret: Password | Token) -> None:
    if server.opens and isinstance(secret, Token):
        user = server.opens
    if not (user + server.opens).isprintable():
        raise failures.LoginRefused("the user name of the mailbox holds a control character; correct it")
    mechanism = mechanisms.choose(
        server.auth, user, secret, _offered(wire.esmtp_features), str(server), opens=server.opens
    )
    code = _authenticate(wire, mechanism, server, user, secret)
    if code == _AUTH_LATER:
        raise failures.LoginUnavailable(f"{server} lets nobody log in for now")
    if code != ACCEPTED:
        what = "user name or password" if isinstance(secret, Password) else "the access token"
        raise failures.LoginRefused(f"{server} refuses {what}; correct the credential to send with")


def _offered(features: Any) -> frozenset[str]:  # noqa: ANN401 - smtplib's dict
    """Return what a server offers, by the names that IMAP has for it."""
    names = features.get("auth", "").upper().split()
    return frozenset([*(f"AUTH={name}" for name in names), *([] if "LOGIN" in names else ["LOGINDISABLED"])])


def _authenticate(wire: _Wire, mechanism: Mechanism, server: Server, user: str, secret: Password | Token) -> int:
    """Return the code of the last reply (RFC 4954); smtplib's own method knows ASCII alone."""
    if mechanism is Mechanism.LOGIN:
        messages = [user.encode(), secret.value.encode()]
        code, _ = wire.docmd("AUTH", "LOGIN")
    else:
        first, at_refusal = _messages(mechanism, server, user, secret.value)
        messages = [at_refusal]
        code, _ = wire.docmd("AUTH", f"{mechanism} {b64encode(first).decode('ascii')}")
    for message in messages:
        if code != GO_ON:
            break
        code, _ = wire.docmd(b64encode(message).decode("ascii"))
    return code


def _messages(mechanism: Mechanism, server: Server, user: str, secret: str) -> tuple[bytes, bytes]:
    match mechanism:
        case Mechanism.OAUTHBEARER:
            return mechanisms.oauthbearer(user, secret, server.host, server.port), b"\1"
        case Mechanism.XOAUTH2:
            return mechanisms.xoauth2(user, secret), b""
        case _:
            return mechanisms.plain(user, secret, server.opens), b""


def _name_sender(wire: _Wire, server: Server, sender: str) -> None:
    international = not sender.isascii()
    if international and not wire.has_extn("smtputf8"):
        raise failures.SenderRefused(f"{server} takes no address with letters beyond ASCII (RFC 6531)")
    code, _ = wire.mail(sender, ["SMTPUTF8"] if international else [])
    if code >= PERMANENT:
        raise failures.SenderRefused(
            f"{server} does not let this user send under the address of the mailbox; correct user or address"
        )
    if code != READY:
        raise failures.SubmissionFailed(f"{server} takes no mail for now")
