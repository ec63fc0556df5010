"""
Identity: which bytes are the same message, delivery, activity (fixed from the first migration on).

Nothing here depends on the order of arrival or on who writes first: the same content gives the same ids in
every replica and in every replay.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID, uuid5

from services.domain.addresses import normalise
from services.domain.message import Mailbox, Message, MessageId

NAMESPACE = UUID("6f1c1b5e-3f0e-5f0a-9a53-3d0c5a1f7e11")
SYNTHETIC_DOMAIN = "synthetic"
LONGEST_ID = 998  # RFC 5322 section 2.1.1: a line is no longer than this

_COMMENT = re.compile(r"\([^()]*\)")
_BRACKETED = re.compile(r"<([^<>]*)>")


class Direction(StrEnum):
    """Which way a message went, seen from the mailbox it was found in."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


@dataclass(frozen=True, slots=True)
class Identity:
    """
    One message: canonical id and fingerprint (16 hex digits).

    Two identities with one canonical id are two messages: a forged copy must not swallow the real mail.
    """

    message_id: MessageId
    fingerprint: str

    def __str__(self) -> str:
        """The identity as one text, unambiguous because a fingerprint has a fixed length."""
        return f"{self.fingerprint}:{self.message_id}"


def canonical_id(raw: str) -> MessageId | None:
    """
    Return the canonical form of one id as written, or None when it cannot name a message.

    Brackets, white space, folding and comments (RFC 5322 section 3.6.4) go; the local part stays as written;
    the domain is lower-cased, because relays change its case. Quoted-string local parts of the obsolete
    syntax are kept as they are.
    """
    text = _BRACKETED.search(raw)
    body = text.group(1) if text else raw
    if "(" in body and not text:
        body = _COMMENT.sub("", body)
    if not (body.isprintable() and " " not in body):
        body = "".join(c for c in body if not c.isspace() and c.isprintable())
    body = body.strip("<>;,")
    if not body or len(body) > LONGEST_ID:
        return None
    local, at, domain = body.rpartition("@")
    if not at:
        return MessageId(body)
    if not local and not domain:
        return None
    return MessageId(f"{local}@{domain.lower()}")


def canonical_ids(values: Iterable[str]) -> tuple[MessageId, ...]:
    """
    Return every id in header values, in order, without repeats.

    Lists that lost their spaces (``<a@x><b@y>``) are split; words without brackets count only in a value that
    has no bracketed id at all, because clients put phrases beside ids ("Message from … of …").
    """
    found: dict[MessageId, None] = {}
    for value in values:
        pieces = _BRACKETED.findall(value)
        if not pieces:
            pieces = [word for word in re.split(r"[\s,;]+", _COMMENT.sub(" ", value)) if "@" in word]
        for piece in pieces:
            one = canonical_id(piece)
            if one is not None:
                found[one] = None
    return tuple(found)


def _digest(fields: Iterable[str]) -> bytes:
    state = hashlib.sha256()
    for field in fields:
        data = field.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.digest()


def _instant(date: datetime | None) -> str:
    return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if date is not None else ""


def _list_of(mailboxes: Iterable[Mailbox]) -> str:
    return ",".join(normalise(m.address) for m in mailboxes)


def synthetic_id(message: Message) -> MessageId:
    """Return the id of a message that has none: a hash of From, Date, Subject, To, Cc and body."""
    date = _instant(message.date) or message.date_raw
    body = " ".join(message.body_text.split())
    fields = (
        _list_of(message.from_),
        date,
        message.subject,
        _list_of(message.to),
        _list_of(message.cc),
        body,
    )
    return MessageId(f"{_digest(fields).hex()}@{SYNTHETIC_DOMAIN}")


def author(message: Message) -> str:
    """
    Return the normalised address of the author, unmasked where list headers show that the list rewrote From.

    Lists that must pass DMARC put their own address into From and keep the author in X-Original-From or
    Reply-To. That is believed only when a List-Id or List-Post header is there and From is the list's own
    address or says so in its name ("NAME via LIST").
    """
    if not message.from_:
        return ""
    first = message.from_[0]
    written = normalise(first.address)
    listed = [v for n, v in message.headers if n in ("list-post", "list-id")]
    if not listed:
        return written
    posting = {normalise(m) for v in listed for m in re.findall(r"mailto:([^>?\s]+)", v)}
    if written not in posting and " via " not in first.name.lower():
        return written
    for name, value in message.headers:
        if name in ("x-original-from", "original-from"):
            found = re.search(r"[^\s<>\"(),;:]+@[^\s<>\"(),;:]+", value)
            if found:
                return normalise(found.group(0))
    others = [normalise(m.address) for m in message.reply_to if normalise(m.address) not in posting | {written}]
    return others[0] if others else written


def identity(message: Message) -> Identity:
    """
    Return the identity of a message: canonical id, and the fingerprint of its author and instant.

    The fingerprint is the first 8 bytes of SHA-256 over the author's address and the Date as a UTC instant
    (empty when there is no readable date).
    """
    mid = message.message_id or synthetic_id(message)
    return Identity(mid, _digest((author(message), _instant(message.date)))[:8].hex())


def activity_id(of: Identity, direction: Direction) -> UUID:
    """Return the id of the activity that a message becomes when it is found going that way."""
    return uuid5(NAMESPACE, f"activity|{of}|{direction}")


def delivery_id_imap(mailbox: str, folder_id: str, uidvalidity: int, uid: int) -> UUID:
    """Return the id of the delivery first seen at this place (RFC 9051 section 2.3.1.1)."""
    return uuid5(NAMESPACE, f"imap|{mailbox}|{folder_id}|{uidvalidity}|{uid}")


def delivery_id_other(first: UUID, sha256: str) -> UUID:
    """Return the id of a mail at a place where another mail was first seen: a server came back to numbers it had."""
    return uuid5(NAMESPACE, f"other|{first}|{sha256}")


def delivery_id_pop3(mailbox: str, uidl: str) -> UUID:
    """Return the id of the delivery with this unique id in a POP3 mailbox (RFC 1939 section 7)."""
    return uuid5(NAMESPACE, f"pop3|{mailbox}|{uidl}")


def uidl_other(uidl: str, sha256: str) -> str:
    """Return what stands for the unique id of a POP3 mail that a server has given to another mail before."""
    return f"{uidl} {sha256}"


def delivery_id_import(mailbox: str, folder: str, sha256: str, ordinal: int) -> UUID:
    """
    Return the id of an imported delivery: ``ordinal`` counts equal mails of one source from 0.

    The same source imported again gives the same ids, so a killed import that is run again goes on.
    """
    return uuid5(NAMESPACE, f"import|{mailbox}|{folder}|{sha256}|{ordinal}")


def delivery_id_pushed(mailbox: str, sha256: str) -> UUID:
    """
    Return the id of a mail that a server pushed, by the SHA-256 of its raw bytes.

    A sender that did not hear the answer sends again: the same bytes are the same delivery, by whatever way they come.
    """
    return uuid5(NAMESPACE, f"pushed|{mailbox}|{sha256}")


def delivery_id_enclosed(outer: UUID, ordinal: int) -> UUID:
    """Return the id of the message at this place, from 0, in the mail of a delivery; the first one keeps its id."""
    return uuid5(NAMESPACE, f"enclosed|{outer}|{ordinal}") if ordinal else outer


def keyed_hash(key: bytes, kind: str, value: str) -> UUID:
    """
    Return the 128-bit keyed hash under which a value is stored (HMAC-SHA-256, cut).

    ``kind`` ("id", "message", "address") keeps equal texts of different meaning apart. Without the key nobody
    can test whether an address or id is in the store; throwing the clear text away erases a person without
    tearing threads apart.
    """
    mac = hmac.digest(key, f"{kind}\0{value}".encode("utf-8", "surrogatepass"), "sha256")
    return UUID(bytes=mac[:16])
