"""The bytes between us and an IMAP server: limits that imaplib does not have, and one error per way to fail."""

import imaplib
import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from services.fetcher import failures
from services.fetcher.folders import quoted

LARGEST_LITERAL = 64 * 1024 * 1024
LARGEST_ANSWER = 2 * LARGEST_LITERAL
SLOWEST_BYTES_PER_SECOND = 2048
_BUFFER = 256 * 1024
_CAPABILITY = re.compile(rb"\[CAPABILITY ([^\]]+)\]", re.IGNORECASE)


class Paced(socket.SocketIO):
    """
    A socket's bytes, as long as they come at a reasonable pace and the answer to a command has an end.

    A time-out of the socket alone lets a server that sends one byte in each interval hold a thread for ever, and
    imaplib collects whatever comes before the end of an answer.
    """

    def __init__(self, sock: socket.socket, seconds: float, largest: int) -> None:
        super().__init__(sock, "r")
        self._grace = seconds
        self._largest = largest
        self.restart()

    def restart(self) -> None:
        """Begin to measure: a command is about to be sent."""
        self._began = time.monotonic()
        self._got = 0

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - as the base class has it
        """Read what is there; ``TimeoutError`` when all that came since the command is too little."""
        got = super().readinto(buffer)
        self._got += got or 0
        if self._got > self._largest:
            raise failures.ProtocolError(f"the server answers one command with more than {self._largest} bytes")
        if time.monotonic() - self._began > self._grace + self._got / SLOWEST_BYTES_PER_SECOND:
            raise TimeoutError("too slow")
        return got


class Wire(imaplib.IMAP4):
    """
    imaplib's client with a limit on literals, a pace, and TLS from the first byte where ``implicit``.

    imaplib reads a literal of whatever length the server announces; here it is refused before it is read.
    """

    def __init__(self, host: str, port: int, *, seconds: float, tls: ssl.SSLContext, implicit: bool) -> None:
        self._seconds = seconds
        self._tls = tls if implicit else None
        super().__init__(host, port, timeout=seconds)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Connect; called by the base class."""
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), timeout)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=host) if self._tls else plain
        except BaseException:
            plain.close()
            raise
        self.listen()

    def listen(self) -> None:
        """Read from the present socket with pace and limits; what an earlier one had buffered is gone."""
        self._paced = Paced(self.sock, self._seconds, LARGEST_ANSWER)
        self.file = io.BufferedReader(self._paced, _BUFFER)

    def secure(self, tls: ssl.SSLContext) -> None:
        """
        STARTTLS; there is a new reader afterwards, so nothing that was sent in clear text is taken for encrypted.

        A server that says it has no STARTTLS, declines it, or takes us for logged in already (RFC 9051 section 11.1)
        may be somebody in between who would like to read along: there is no fall-back.
        """
        where = f"{self.host}:{self.port}"
        if self.state == "AUTH" or "STARTTLS" not in self.capabilities:
            raise failures.TlsNotOffered(f"{where} offers no STARTTLS; nothing was sent to it in clear text")
        try:
            declined = self._simple_command("STARTTLS")[0] != "OK"
        except self.abort:
            raise
        except self.error:
            declined = True
        if declined:
            raise failures.TlsNotOffered(f"{where} declines its own STARTTLS; nothing was sent to it in clear text")
        self.sock = tls.wrap_socket(self.sock, server_hostname=self.host)
        self.listen()
        self._get_capabilities()

    def login_by_password(self, user: str, password: str) -> tuple[str, bytes]:
        """Log in by the command LOGIN; return status and text of the answer."""
        return self._logged_in(self._simple_command("LOGIN", quoted(user), quoted(password)))

    def authenticate_by(self, answer: Callable[[bytes], bytes], mechanism: str, *initial: str) -> tuple[str, bytes]:
        """
        Log in by a SASL mechanism; return status and text of the answer.

        ``answer`` gives what is sent upon each challenge, both as they stand on the wire. imaplib's own method has
        no initial response.
        """
        self.literal = answer  # type: ignore[assignment]  # a bound method is asked for each literal
        return self._logged_in(self._simple_command("AUTHENTICATE", mechanism, *initial))

    def _logged_in(self, answer: tuple[str, list[Any]]) -> tuple[str, bytes]:
        status, texts = answer
        if status == "OK":
            self.state = "AUTH"
            self._announced(texts[-1] if isinstance(texts[-1], bytes) else b"")
        return status, texts[-1] if isinstance(texts[-1], bytes) else b""

    def _announced(self, text: bytes) -> None:
        """Take what the server can do for those who are logged in: told with the answer, or to be asked for."""
        told = _CAPABILITY.match(text)
        if told is None:
            self._get_capabilities()
        else:
            self.capabilities = tuple(told[1].decode("ascii", "replace").upper().split())

    def list_returning(self, options: str) -> tuple[list[Any], list[Any]]:
        """Return what LIST and STATUS answers say of all folders (RFC 5258, RFC 5819)."""
        self.untagged_responses.pop("STATUS", None)
        status, texts = self._simple_command("LIST", '""', '"*"', f"RETURN ({options})")
        _, listed = self._untagged_response(status, texts, "LIST")
        return listed, self.untagged_responses.pop("STATUS", [])

    def read(self, size: int) -> bytes:
        """Return a literal; an end in its middle is a lost connection."""
        if size > LARGEST_LITERAL:
            raise failures.ProtocolError(f"the server announces {size} bytes where {LARGEST_LITERAL} are the limit")
        data: bytes = self.file.read(size)  # type: ignore[assignment]  # the stub allows text; the reader is binary
        if len(data) < size:
            raise self.abort("the connection ended in the middle of a mail")
        return data

    def send(self, data: Any) -> None:  # noqa: ANN401 - as the base class has it
        """Send a command; its answer is timed from here."""
        self._paced.restart()
        self.sock.sendall(data)


def _tls_failure(error: ssl.SSLError, where: str) -> failures.MailServerError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return failures.CertificateNotTrusted(
            f"the certificate of {where} is not trusted ({error.verify_message}); name its authority in "
            "MAILWEAVE_CA_FILE, or correct host or certificate"
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return failures.ConnectionLost(f"{where} closed the connection")
    reason = error.reason or "handshake failed"
    return failures.TlsFailed(f"no TLS with {where} ({reason}); check port and tls of the profile")


@contextmanager
def speaking(where: str, protocol: str = "IMAP") -> Iterator[None]:
    """Turn every error that imaplib, sockets and TLS raise into one of :mod:`services.fetcher.failures`."""
    try:
        yield
    except ssl.SSLError as error:
        raise _tls_failure(error, where) from None
    except socket.gaierror:
        raise failures.HostUnknown(f"no address is known for {where}; check the host of the profile") from None
    except TimeoutError:
        raise failures.TimedOut(f"{where} did not answer in time") from None
    except ConnectionRefusedError:
        raise failures.ConnectionRefused(f"{where} refused the connection; check host and port") from None
    except (ConnectionError, EOFError):
        raise failures.ConnectionLost(f"{where} closed the connection") from None
    except OSError:
        raise failures.Unreachable(f"{where} cannot be reached") from None
    except imaplib.IMAP4.abort as error:
        text = str(error)
        if "unexpected" in text or "unterminated line: " in text:
            raise failures.ProtocolError(f"{where} does not speak {protocol} as it should") from None
        raise failures.ConnectionLost(f"{where} closed the connection") from None
    except (imaplib.IMAP4.error, ValueError, AssertionError, KeyError, AttributeError, TypeError, IndexError):
        # What imaplib meets in answers that are no IMAP leaves it as any of these.
        raise failures.ProtocolError(f"{where} answered in a way that is not {protocol}") from None
