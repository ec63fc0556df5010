"""One POP3 session (RFC 1939): log in, list, read as it comes, delete. The server locks the mailbox for as long."""

import poplib
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from services.fetcher import failures, mechanisms
from services.fetcher.authentication import Credential, logged_in
from services.fetcher.imap import Server
from services.fetcher.mechanisms import Password, Token
from services.fetcher.pop3_wire import Wire
from services.fetcher.trust import trust
from services.fetcher.wire import speaking

AGAIN_SECONDS = 0.3

_CODE = re.compile(r"-ERR \[([A-Z/-]+)")
_BUSY = ("IN-USE", "LOGIN-DELAY")  # RFC 2449 section 8
_FOR_NOW = "SYS/TEMP"  # RFC 3206 section 4


@dataclass(slots=True)
class Connection:
    """A logged-in session. Every method raises a :class:`failures.MailServerError` and nothing else."""

    server: Server
    wire: Wire = field(repr=False)
    refused: int = 0
    """Mails that were listed and that the server did not give."""

    def listed(self) -> dict[int, tuple[str, int]]:
        """Return unique id and size in bytes of each mail, by number; ids are opaque (RFC 1939, UIDL)."""
        with _speaking(str(self.server)):
            try:
                pairs = [line.split(maxsplit=1) for line in self.wire.lines("UIDL")]
            except poplib.error_proto:
                raise failures.UidlNotOffered(
                    f"{self.server} gives mails no unique ids (UIDL), so new ones cannot be told from old ones"
                ) from None
            sizes = {int(number): int(size) for number, size, *_ in map(bytes.split, self.wire.lines("LIST"))}
            return {int(number): (uid.decode("latin-1"), sizes.get(int(number), 0)) for number, uid in pairs}

    def content(self, number: int) -> Iterator[bytes]:
        """Yield a mail in pieces of at most 64 KiB; ``BodyMissing`` when the server refuses this one."""
        with _speaking(str(self.server), failures.BodyMissing):
            yield from self.wire.content(f"RETR {number}")

    def head(self, number: int) -> Iterator[bytes]:
        """Yield the beginning of a mail in pieces: its header block, or all of it where there is no TOP."""
        try:
            with _speaking(str(self.server), failures.BodyMissing):
                yield from self.wire.content(f"TOP {number} 0")
        except failures.BodyMissing:
            yield from self.content(number)

    def delete(self, number: int) -> None:
        """Have a mail deleted when the session ends in order."""
        with _speaking(str(self.server)):
            self.wire.dele(number)


@contextmanager
def _speaking(where: str, refused: type[failures.MailServerError] = failures.ProtocolError) -> Iterator[None]:
    with speaking(where, protocol="POP3"):
        try:
            yield
        except poplib.error_proto as error:
            raise _refusal(where, error, refused) from None


def _refusal(
    where: str, error: poplib.error_proto, refused: type[failures.MailServerError] = failures.ProtocolError
) -> failures.MailServerError:
    """Turn -ERR into what it says by its response code (RFC 2449, RFC 3206); its words are not repeated."""
    found = _CODE.search(str(error.args[0] if error.args else ""))
    if found and found.group(1).startswith(_FOR_NOW):
        return failures.LoginUnavailable(f"{where} cannot serve anybody for now")
    if found and found.group(1).startswith(_BUSY):
        return failures.MailboxBusy(f"{where} has this mailbox open for another client, or wants more time in between")
    return refused(f"{where} refused a command")


@contextmanager
def session(server: Server, user: str, credential: Credential) -> Iterator[Connection]:
    """
    Connect, secure and log in.

    Only at an orderly end are the mails deleted that were to be (RFC 1939 section 6); after an exception the
    server keeps all of them.
    """
    wire = logged_in(credential, lambda secret: _logged_in(server, user, secret))
    try:
        connection = Connection(server, wire)
        yield connection
        with _speaking(str(server)):
            wire.quit()
    finally:
        with suppress(Exception):
            wire.close()


def listed(server: Server, user: str, credential: Credential, *, patience: float) -> dict[int, tuple[str, int]]:
    """
    Return what :meth:`Connection.listed` does, in a session of its own.

    While another client (the fetcher) has the mailbox open it is tried again for ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            with session(server, user, credential) as connection:
                return connection.listed()
        except failures.MailboxBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(AGAIN_SECONDS)


def _logged_in(server: Server, user: str, credential: Password | Token) -> Wire:
    with _speaking(str(server)):
        context = trust(server.ca_file)
        wire = Wire(server, context)
        try:
            if server.tls == "starttls":
                _secure(wire, server, context)
            _log_in(wire, server, user, credential)
        except BaseException:
            with suppress(Exception):
                wire.close()
            raise
        return wire


def _secure(wire: Wire, server: Server, context: ssl.SSLContext) -> None:
    try:
        wire.secure(context)
    except poplib.error_proto:
        raise failures.TlsNotOffered(f"{server} offers no STLS; nothing was sent to it in clear text") from None


def _log_in(wire: Wire, server: Server, user: str, credential: Password | Token) -> None:
    if any(c in text for c in "\r\n\0" for text in (user, credential.value)):
        raise failures.LoginRefused("user name and credential must not hold line breaks; correct the mailbox")
    try:
        if isinstance(credential, Password):
            wire.user(user)
            wire.pass_(credential.value)
        else:
            wire.authenticate("XOAUTH2", mechanisms.xoauth2(user, credential.value))
    except poplib.error_proto as error:
        passing = _refusal(str(server), error)
        if isinstance(passing, failures.MailboxBusy | failures.LoginUnavailable):
            raise passing from None
        # Raised without its cause: the answer may repeat what was sent.
        what = "user name or password" if isinstance(credential, Password) else "the access token"
        raise failures.LoginRefused(f"{server} refuses {what}; correct the credential of the mailbox") from None
