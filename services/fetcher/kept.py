"""An IMAP session that outlives the check that opened it."""

import socket
import ssl
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from services.fetcher import imap
from services.settings.models import MailboxSettings, ServerProfile

INBOX = "INBOX"
# A connection whose other end is gone without a word is found out after four minutes.
_KEEPALIVE = {socket.TCP_KEEPIDLE: 120, socket.TCP_KEEPINTVL: 30, socket.TCP_KEEPCNT: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    A logged-in session whose inbox is open, and the settings that it was opened under: under others it is of no use.

    ``exists`` is how many mails the inbox had when it was opened; ``changed`` is whether some came or went since its
    mails were read.
    """

    connection: imap.Connection
    profile: ServerProfile
    settings: MailboxSettings
    session: ExitStack = field(repr=False)
    exists: int | None = None
    changed: bool = False

    def under(self, settings: MailboxSettings, profile: ServerProfile) -> bool:
        """Whether these are the settings that it was opened under."""
        return (self.settings, self.profile) == (settings, profile)

    def close(self, farewell: bytes = b"") -> None:
        """End the session without waiting for the server; ``farewell`` is sent if it can be, and a LOGOUT."""
        wire = self.connection.wire
        with suppress(OSError, ValueError):
            wire.sock.settimeout(0)
            wire.sock.send(farewell + b"bye LOGOUT\r\n")
        with suppress(Exception):
            wire.shutdown()
        with suppress(Exception):
            self.session.close()

    def rest(self) -> bytes:
        """Make the socket non-blocking and give back the buffer; return what was read and not used."""
        wire = self.connection.wire
        wire.sock.settimeout(0)
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            wire.sock.setsockopt(socket.IPPROTO_TCP, name, value)
        try:
            ahead: bytes = wire.file.peek(1)  # type: ignore[union-attr]  # a BufferedReader
        except ssl.SSLWantReadError:
            ahead = b""
        wire.file.close()
        return ahead

    def resume(self) -> None:
        """Make the socket blocking again, for commands."""
        wire = self.connection.wire
        wire.sock.settimeout(self.connection.server.seconds)
        wire.listen()


@dataclass(frozen=True, slots=True)
class Awake:
    """A mailbox to be checked over the connection that it idled on: every folder, or only the inbox."""

    mailbox: str
    kept: Kept
    full: bool


def usable(awake: Awake | None, settings: MailboxSettings, profile: ServerProfile, *, tested: bool) -> Awake | None:
    """
    Return what idled if a check under these settings may be made over it; else it is closed, before there is another.

    Only over the connection of a mailbox that is ``tested``: a test takes a login.
    """
    if awake is None or (tested and awake.kept.under(settings, profile)):
        return awake
    awake.kept.close()
    return None


def inbox_of(settings: MailboxSettings) -> str | None:
    """Return the inbox as the settings name it; None when it is not read."""
    return next((name for name in settings.folders if name.upper() == INBOX), None)
