"""Logging in: one attempt by one mechanism, and what its refusal means."""

import imaplib
import re
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from services.fetcher import failures, mechanisms
from services.fetcher.mechanisms import Auth, Mechanism, Password, Token
from services.fetcher.wire import Wire

LONGEST_INITIAL = 6000  # RFC 7162 section 4: a command line has at most 8192 bytes

_CODE = re.compile(rb"\[([A-Z]+)")
_FOR_NOW = frozenset({b"UNAVAILABLE", b"LIMIT", b"INUSE", b"SERVERBUG"})  # RFC 5530 section 3


class Bearer(Protocol):
    """An OAuth credential: gives access tokens and gets new ones. Blocks while it asks for one."""

    def current(self) -> Token:
        """Return a token that is good for now."""

    def instead_of(self, refused: Token, /) -> Token | None:
        """Return another token than this one, which a server refused; None when there can be no better one."""


Credential = Password | Bearer


T = TypeVar("T")


def logged_in(credential: Credential, attempt: Callable[[Password | Token], T]) -> T:
    """Return what an attempt to log in gives; with a token that is refused it is made once more, with another."""
    if isinstance(credential, Password):
        return attempt(credential)
    token = credential.current()
    try:
        return attempt(token)
    except failures.LoginRefused:
        other = credential.instead_of(token)
        if other is None:
            raise
    # On a connection of its own: some servers close one on which a login has failed.
    return attempt(other)


class _Dialogue:
    """What is answered to a server's challenges, in order. The last answer is that to a refusal."""

    def __init__(self, answers: Iterable[bytes]) -> None:
        self._left = deque(answers)
        self.refusal = b""

    def answer(self, challenge: bytes) -> bytes:
        """Return the next answer; a server that goes on asking would do so for ever."""
        if not self._left:
            raise failures.ProtocolError("the server goes on asking while it is logged in to")
        if len(self._left) == 1:
            self.refusal = challenge
        return self._left.popleft()


def log_in(
    wire: Wire, user: str, credential: Password | Token, *, auth: Auth, encrypted: bool, opens: str = ""
) -> None:
    """
    Log in. ``encrypted`` says that nothing secret may be sent without TLS, ``opens`` whose mailbox is opened.

    A refusal is :class:`failures.LoginRefused`, or ``LoginUnavailable`` when the server says that it passes. No text
    repeats what was sent, or what the server answered.
    """
    where = f"{wire.host}:{wire.port}"
    if encrypted and not isinstance(wire.sock, ssl.SSLSocket):
        raise failures.TlsNotOffered(f"the connection to {where} is not encrypted; nothing secret was sent")
    if wire.state == "AUTH":
        return
    if not (user + opens).isprintable():
        raise failures.LoginRefused("the user name of the mailbox holds a control character; correct it")
    if opens and isinstance(credential, Token):
        user, opens = opens, ""  # a token names the one who is acted for, and nobody else
    mechanism = mechanisms.choose(auth, user, credential, wire.capabilities, where, opens=opens)
    dialogue = _Dialogue(())
    try:
        if mechanism is Mechanism.LOGIN:
            status, said = wire.login_by_password(user, credential.value)
        else:
            message, on_refusal = _messages(mechanism, wire, user, credential.value, opens)
            first = b64encode(message)
            at_once = "SASL-IR" in wire.capabilities and len(first) <= LONGEST_INITIAL  # RFC 4959
            dialogue = _Dialogue([on_refusal] if at_once else [first, on_refusal])
            initial = (first.decode("ascii"),) if at_once else ()
            status, said = wire.authenticate_by(dialogue.answer, mechanism, *initial)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        status, said = "BAD", b""
    if status != "OK":
        raise _refused(credential, said, dialogue.refusal, where)


def _messages(mechanism: Mechanism, wire: Wire, user: str, secret: str, opens: str) -> tuple[bytes, bytes]:
    """Return the message, and what is answered when the server refuses it by a challenge, as it goes over the wire."""
    match mechanism:
        case Mechanism.OAUTHBEARER:
            # RFC 7628 section 3.2.3: a lone ^A, upon which the server fails the exchange.
            return mechanisms.oauthbearer(user, secret, wire.host, wire.port), b64encode(b"\1")
        case Mechanism.XOAUTH2:
            return mechanisms.xoauth2(user, secret), b""
        case _:
            return mechanisms.plain(user, secret, opens), b"*"  # RFC 9051 section 6.2.2: cancel


def _refused(
    credential: Password | Token, said: bytes, challenge: bytes, where: str
) -> failures.LoginRefused | failures.LoginUnavailable:
    code = _CODE.match(said)
    if code and code[1] in _FOR_NOW:
        return failures.LoginUnavailable(f"{where} lets nobody log in for now ({code[1].decode('ascii')})")
    match credential:
        case Password():
            return failures.LoginRefused(
                f"{where} refuses user name or password; correct the credential of the mailbox"
            )
        case Token():
            return failures.LoginRefused(
                f"{where} refuses the access token: {mechanisms.reason(challenge)}; check user name and scope, "
                "and store the credential again with a new consent"
            )
