"""
Our own token, ``v.kid.thread-ref.nonce.mac``: in the Message-ID of mail that is sent, behind ``+`` in its Reply-To, and
where that is wanted in brackets at the end of its subject.

It proves that somebody has had a mail of the thread in hand, never who: each copy and each forward passes it on.
The letters are those of base32 in lower case, so that a relay that changes the case of an id breaks nothing.
"""

import base64
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

VERSION = "1"
MAC_BYTES = 16
REF_BYTES = 8
REF_LETTERS = 13
MAC_LETTERS = 26
ID_NONCE_BYTES = 10
ADDRESS_NONCE_BYTES = 2
LONGEST_ID = 100  # with brackets: some systems cut or ignore longer ids
LONGEST_LOCAL_PART = 64  # RFC 5321 section 4.5.3.1.1
MOST_PIECES = 1_000
"""So many ids and addresses of one mail are looked at."""
MOST_IN_SUBJECT = 8
"""So many tokens of a subject are looked at, from its end, and so many characters there."""
MOST_OF_SUBJECT = 10_000

_LETTERS = "[a-z2-7]"
_IN_ID = re.compile(
    rf"{VERSION}\.({_LETTERS})\.({_LETTERS}{{{REF_LETTERS}}})\.({_LETTERS}{{4,16}})\.({_LETTERS}{{{MAC_LETTERS}}})@.*"
)
# No dots, and so every part of a fixed length: a local part has 64 characters, and the mailbox's own come first.
_IN_ADDRESS = re.compile(
    rf".*\+{VERSION}({_LETTERS})({_LETTERS}{{{REF_LETTERS}}})({_LETTERS}{{4}})({_LETTERS}{{{MAC_LETTERS}}})@.*"
)
_IN_SUBJECT = re.compile(
    rf"\[{VERSION}({_LETTERS})({_LETTERS}{{{REF_LETTERS}}})({_LETTERS}{{4}})({_LETTERS}{{{MAC_LETTERS}}})\]",
    re.IGNORECASE,
)
# Others read a subject than a header: what is proven there must not open an id or an address.
_OF_SUBJECT = "\0subject"


class Audience(StrEnum):
    """For whom the mail was meant that carries the token; a token for one class is none for the other."""

    EXTERNAL = "external"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: a letter that names it, and until when it still verifies once another one has taken its place."""

    kid: str
    secret: bytes = field(repr=False)
    retired: datetime | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of an installation, the one that makes tokens first; ``tenant`` tells installations apart."""

    tenant: str
    all: tuple[Key, ...]

    def named(self, kid: str, *, at: datetime) -> Key | None:
        """Return the key of this name that verifies at this time, or None."""
        found = next((key for key in self.all if key.kid == kid), None)
        return None if found is None or (found.retired is not None and at > found.retired) else found


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says, once it is verified: the thread's reference, its audience, and which token it was."""

    ref: str
    audience: Audience
    name: str


@dataclass(frozen=True, slots=True)
class Verified:
    """
    The good tokens of a mail, nearest first, and how many had the shape of one but no good MAC.

    ``in_subject`` are those of its subject, which everybody sees who sees the mail listed.
    """

    tokens: tuple[Token, ...]
    forged: int
    in_subject: tuple[Token, ...] = ()


def reference(id_key: UUID) -> str:
    """Return a thread's reference: the first half of the keyed hash of the id of a message in it."""
    return _written(id_key.bytes[:REF_BYTES])


def target(ref: str) -> UUID:
    """Return the reference in the form of the keyed hash that it was cut from, its second half empty."""
    return half(UUID(bytes=base64.b32decode(ref.upper() + "===") + bytes(16 - REF_BYTES)))


def half(id_key: UUID) -> UUID:
    """Return the keyed hash of an id with its second half empty: the target of tokens that name this id."""
    return UUID(bytes=id_key.bytes[:REF_BYTES] + bytes(16 - REF_BYTES))


def message_id(keys: Keys, ref: str, *, nonce: bytes, audience: Audience, domain: str) -> str:
    """
    Return a Message-ID, without brackets, for a new mail of the thread. ``nonce``: :data:`ID_NONCE_BYTES` random bytes.

    ``ValueError`` when the domain is too long for an id of :data:`LONGEST_ID` characters.
    """
    text = f"{'.'.join((VERSION, *_parts(keys, ref, nonce, audience)))}@{domain.lower()}"
    if len(text) + 2 > LONGEST_ID:
        raise ValueError(f"the domain {domain} is too long for a Message-ID of at most {LONGEST_ID} characters")
    return text


def reply_address(keys: Keys, ref: str, *, nonce: bytes, audience: Audience, mailbox: str) -> str:
    """
    Return the address of the mailbox that carries the token. ``nonce``: :data:`ADDRESS_NONCE_BYTES` random bytes.

    ``ValueError`` when its local part leaves no room for it.
    """
    local, _, domain = mailbox.rpartition("@")
    text = f"{local}+{VERSION}{''.join(_parts(keys, ref, nonce, audience))}"
    if len(text) > LONGEST_LOCAL_PART:
        most = LONGEST_LOCAL_PART - len(text) + len(local)
        raise ValueError(f"{local} has more than {most} characters, so a token does not fit behind it")
    return f"{text}@{domain}"


def in_subject(keys: Keys, ref: str, *, nonce: bytes, audience: Audience) -> str:
    """Return the token for a subject, with its brackets. ``nonce``: :data:`ADDRESS_NONCE_BYTES` random bytes."""
    return f"[{VERSION}{''.join(_parts(keys, ref, nonce, audience, _OF_SUBJECT))}]"


def without(subject: str) -> str:
    """Return a subject without whatever has the shape of a token, good or not."""
    return _IN_SUBJECT.sub("", subject) if f"[{VERSION}" in subject else subject


def verify(keys: Keys, addresses: Iterable[str], ids: Sequence[str], *, at: datetime, subject: str = "") -> Verified:
    """
    Look for tokens in the addresses of a mail, then in the ids that it answers, nearest first; and in its subject.

    ``at`` is when the mail came in, so that a replay finds the same keys good. Linear, and each comparison takes as
    long whatever is wrong.
    """
    found: dict[Token, None] = {}
    forged = 0
    for mark, pattern, texts in ((f"+{VERSION}", _IN_ADDRESS, addresses), (f"{VERSION}.", _IN_ID, ids)):
        for text in list(dict.fromkeys(texts))[:MOST_PIECES]:
            if mark not in text:
                continue
            match = pattern.fullmatch("".join(text.split()).lower())
            if match is None:
                continue
            token = _verified(keys, match.groups(), at=at)
            if token is None:
                forged += 1
            else:
                found.setdefault(token)
    seen: dict[Token, None] = {}
    pieces = _IN_SUBJECT.findall(subject[-MOST_OF_SUBJECT:].lower()) if f"[{VERSION}" in subject else []
    for parts in list(dict.fromkeys(reversed(pieces)))[:MOST_IN_SUBJECT]:
        token = _verified(keys, parts, at=at, way=_OF_SUBJECT)
        if token is None:
            forged += 1
        else:
            seen.setdefault(token)
    return Verified(tuple(found), forged, tuple(seen))


def _verified(keys: Keys, parts: Sequence[str], *, at: datetime, way: str = "") -> Token | None:
    kid, ref, nonce, mac = parts
    key = keys.named(kid, at=at)
    audience = None
    for one in Audience:
        secret = key.secret if key is not None else b""
        if hmac.compare_digest(_mac(secret, keys.tenant, ref, nonce, one + way), mac) and key is not None:
            audience = one
    return Token(ref, audience, f"{kid}.{ref}.{nonce}") if audience is not None else None


def _parts(keys: Keys, ref: str, nonce: bytes, audience: Audience, way: str = "") -> tuple[str, str, str, str]:
    key, written = keys.all[0], _written(nonce)
    return key.kid, ref, written, _mac(key.secret, keys.tenant, ref, written, audience + way)


def _mac(secret: bytes, tenant: str, ref: str, nonce: str, audience: str) -> str:
    text = f"{VERSION}\0{tenant}\0{ref}\0{nonce}\0{audience}"
    return _written(hmac.digest(secret, text.encode(), "sha256")[:MAC_BYTES])


def _written(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()
