"""The bytes between us and a POP3 server: a pace, limits, and mail byte for byte."""

import poplib
import ssl
from base64 import b64encode
from collections.abc import Iterator
from io import BufferedReader
from socket import create_connection

from services.fetcher import failures
from services.fetcher.imap import Server
from services.fetcher.wire import Paced

LONGEST_ANSWER = 1024  # bytes of one line that is no mail; RFC 2449 section 4 allows 512
LARGEST_LISTING = 32 * 1024 * 1024
LARGEST_MAIL = 1024 * 1024 * 1024
PIECE = 64 * 1024


class Wire(poplib.POP3):
    """
    poplib's client with a pace, longer lines, and TLS from the first byte where ``implicit``.

    poplib gives up on a mail with a line over 2,048 bytes, and takes a CR from the start of others; so mails are read
    here, byte for byte.
    """

    def __init__(self, server: Server, tls: ssl.SSLContext) -> None:
        """Connect and read the greeting."""
        self.host, self.port = server.host, server.port
        self._debugging = 0
        self._tls_established = server.tls == "implicit"
        plain = create_connection((server.host, server.port), server.seconds)
        try:
            self.sock = tls.wrap_socket(plain, server_hostname=server.host) if self._tls_established else plain
        except BaseException:
            plain.close()
            raise
        self._seconds = server.seconds
        self._listen()
        self.welcome = self._getresp()  # type: ignore[attr-defined]  # poplib's own seam, unknown to its stub

    def _listen(self) -> None:
        """Read from the present socket; what an earlier one had buffered is gone."""
        self._paced = Paced(self.sock, self._seconds, LARGEST_MAIL)
        self.file = BufferedReader(self._paced)

    def secure(self, tls: ssl.SSLContext) -> None:
        """STLS (RFC 2595): nothing that was sent in clear text is taken for encrypted, nor asked for before."""
        self.ask("STLS")
        self.sock = tls.wrap_socket(self.sock, server_hostname=self.host)
        self._listen()

    def _putline(self, line: bytes) -> None:
        self._paced.restart()
        super()._putline(line)  # type: ignore[misc]  # poplib's own seam, unknown to its stub

    def _getline(self) -> tuple[bytes, int]:
        line = self.file.readline(LONGEST_ANSWER)
        if not line:
            raise EOFError
        if not line.endswith(b"\n"):
            raise failures.ProtocolError("an answer without end")
        return line.rstrip(b"\r\n"), len(line)

    def ask(self, command: str) -> None:
        """Send a command and read the first line of its answer; ``error_proto`` when it is -ERR."""
        self.answered: bytes = self._shortcmd(command)  # type: ignore[attr-defined]  # poplib's own, not in its stub

    def authenticate(self, mechanism: str, message: bytes) -> None:
        """Log in by a SASL mechanism of one message (RFC 5034); ``error_proto`` when the server refuses it."""
        self.ask(f"AUTH {mechanism}")
        self.ask(b64encode(message).decode("ascii"))
        if self.answered.startswith(b"+ "):  # why the token is refused; an empty answer ends the exchange
            self.ask("")
            raise poplib.error_proto("refused")

    def lines(self, command: str) -> Iterator[bytes]:
        """Yield the lines of an answer of many; an answer that does not end is an error."""
        self.ask(command)
        total = 0
        while total <= LARGEST_LISTING:
            line, size = self._getline()
            total += size
            if line == b".":
                return
            yield line
        raise failures.ProtocolError(f"a listing of more than {LARGEST_LISTING} bytes")

    def content(self, command: str) -> Iterator[bytes]:
        """
        Yield a mail in pieces as it lies on the server: only the dots of the transfer are taken out.

        It ends at CRLF, dot, CRLF and nowhere else (RFC 1939 section 3): a mail may hold a dot between bare line feeds,
        and what follows would be taken for the next answer.
        """
        self.ask(command)
        at_start, before = True, b""
        while True:
            piece = self.file.readline(PIECE)
            if not piece:
                raise EOFError
            if at_start and piece == b".\r\n":
                return
            ended = piece.endswith(b"\r\n") or (piece == b"\n" and before == b"\r")
            before = piece[-1:]
            yield piece[1:] if at_start and piece.startswith(b".") else piece
            at_start = ended
