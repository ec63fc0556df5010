"""By which mechanism to log in, and what is said in it. No connection is needed to ask."""

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from services.fetcher import failures

Auth = Literal["auto", "login", "plain", "xoauth2", "oauthbearer"]
"""What a server profile may ask for."""

_OFFERED = re.compile(r"AUTH=([A-Z0-9_-]{1,20})")  # RFC 4422 section 3.1: what a mechanism's name looks like
_REASONS = {
    "invalid_token": "it is invalid or has expired",
    "insufficient_scope": "its scope does not cover this",
    "invalid_request": "the request is malformed",
    "400": "it is invalid or has expired",
    "401": "it is invalid or has expired",
    "403": "its scope does not cover this",
}


class Mechanism(StrEnum):
    """The ways to log in, by their names in the protocol; LOGIN is a command, the others are SASL."""

    LOGIN = "LOGIN"
    PLAIN = "PLAIN"
    OAUTHBEARER = "OAUTHBEARER"
    XOAUTH2 = "XOAUTH2"


@dataclass(frozen=True, slots=True)
class Password:
    """A password that no ``repr`` shows."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """An OAuth access token that no ``repr`` shows."""

    value: str = field(repr=False)


def choose(
    auth: Auth, user: str, credential: Password | Token, offered: Collection[str], where: str, *, opens: str = ""
) -> Mechanism:
    """
    Return the mechanism for a credential, the better one first, among those that profile and server leave.

    ``offered`` are the server's capabilities. With a password, only PLAIN opens the mailbox of another. Raises
    :class:`failures.MechanismUnavailable`.
    """
    match credential:
        case Password():
            fitting = (Mechanism.PLAIN,) if opens else (Mechanism.LOGIN, Mechanism.PLAIN)
            kind = "a password"
        case Token():
            fitting, kind = (Mechanism.OAUTHBEARER, Mechanism.XOAUTH2), "an OAuth one"
    asked = [m for m in fitting if auth in ("auto", m.value.lower())]
    if not asked:
        raise failures.MechanismUnavailable(
            f"auth of the server profile is {auth}, but the credential is {kind}; set auth to auto, or store another"
        )
    for mechanism in asked:
        if _usable(mechanism, user, credential, offered):
            return mechanism
    if "LOGINDISABLED" in offered and Mechanism.LOGIN in asked:
        raise failures.MechanismUnavailable(
            f"{where} accepts no password on this connection; use tls implicit or starttls, or an OAuth credential"
        )
    there = ", ".join(m[1] for c in sorted(offered) if (m := _OFFERED.fullmatch(c))) or "none"
    raise failures.MechanismUnavailable(
        f"{where} offers no {' or '.join(asked)} for this user and credential, but {there}; correct auth of the"
        " server profile, or store another credential"
    )


def _usable(mechanism: Mechanism, user: str, credential: Password | Token, offered: Collection[str]) -> bool:
    if mechanism is not Mechanism.LOGIN:
        return f"AUTH={mechanism}" in offered
    # RFC 9051 section 6.2.3 has ASCII only in LOGIN; PLAIN (RFC 4616) carries UTF-8.
    return "LOGINDISABLED" not in offered and all(t.isascii() and t.isprintable() for t in (user, credential.value))


def plain(user: str, password: str, opens: str = "") -> bytes:
    """Return the message of RFC 4616; ``opens`` is its authorization id."""
    return f"{opens}\0{user}\0{password}".encode()


def oauthbearer(user: str, token: str, host: str, port: int) -> bytes:
    """Return the message of RFC 7628 section 3.1."""
    name = user.replace("=", "=3D").replace(",", "=2C")  # saslname, RFC 5801 section 4
    return f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {token}\1\1".encode()


def xoauth2(user: str, token: str) -> bytes:
    """Return the message of Google's XOAUTH2, which Microsoft has too."""
    return f"user={user}\1auth=Bearer {token}\1\1".encode()


def reason(challenge: bytes) -> str:
    """
    Return in words why a token was refused, from the challenge of RFC 7628 section 3.2.2 (XOAUTH2: alike).

    What the server wrote is not repeated: only what is known is named.
    """
    try:
        said = json.loads(b64decode(challenge, validate=True))
    except (Base64Error, ValueError, RecursionError):
        said = None
    status = said.get("status") if isinstance(said, dict) else None
    return _REASONS.get(str(status), "it does not say why")
