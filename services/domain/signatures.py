"""
Which DKIM signatures of a mail may prove its sender (RFC 6376), and with which keys; no mathematics, no DNS.

A signature that may not, or is not good, says nothing against a mail (section 6.1): lists and relays break them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.domain.addresses import domain_of
from services.domain.authentication import Authentication, related
from services.domain.signing_keys import ALGORITHMS, BLANKS, TAG, Key, Name, Unfit, decoded, tags_of, word_in

LARGEST = 10 * 1024 * 1024
"""Bytes of a mail whose signatures are checked."""
LONGEST = 8_192
"""Bytes of a signature."""
MOST_NAMED = 200
"""Header fields that a signature names."""
MOST_CHECKED = 3
"""Signatures of a mail that are checked, of those that may prove something."""
MOST_LOOKED_AT = 20
"""Signatures of a mail that are looked at, from the top."""

_CANONICAL = ("simple", "relaxed")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that may prove a sender. ``unsigned`` is its own field as it was when it was signed."""

    name: Name
    kind: str
    relaxed_header: bool
    relaxed_body: bool
    fields: tuple[str, ...]
    body_sha256: bytes
    value: bytes
    unsigned: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of the signatures of one mail; ``name`` is empty where none was looked at."""

    good: bool = False
    name: str = ""
    why: str = ""


UNCHECKED = Checked()
GOOD = "a signature by the domain of the sender is good, by a key of tracking.dkimKeys"


def signature_of(value: bytes, *, sender: str, at: datetime, keys: Mapping[Name, Key]) -> Signature | None:
    """
    Return a signature that may prove the address ``sender`` of a mail that came ``at`` that time.

    None: it is by a domain that has nothing to do with the sender, or no key was given for it. Raises :class:`Unfit`
    when it may prove nothing for another reason. ``value`` is the whole value of the header field.
    """
    if len(value) > LONGEST:
        raise Unfit(f"it has more than {LONGEST} bytes")
    tags = tags_of(value)
    name = Name(word_in(tags, "d"), word_in(tags, "s"))
    key = keys.get(name)
    if key is None or not related(name.domain, domain_of(sender)):
        return None
    if tags.get("v", "").strip(BLANKS) != "1":
        raise Unfit("it is of an unknown version")
    if ALGORITHMS.get(word_in(tags, "a")) != key.kind:
        raise Unfit("its algorithm is not believed, or not that of the key")
    if "l" in tags:
        raise Unfit("it covers the beginning of the body only (l=)")
    fields = tuple(one.strip(BLANKS).lower() for one in tags.get("h", "").split(":"))
    if "from" not in fields:
        raise Unfit("it does not cover From")
    if len(fields) > MOST_NAMED:
        raise Unfit(f"it names more than {MOST_NAMED} header fields")
    if "q" in tags and "dns/txt" not in word_in(tags, "q").split(":"):
        raise Unfit("its key is to be had in an unknown way (q=)")
    _for(word_in(tags, "i"), name, key)
    _in_time(word_in(tags, "t"), word_in(tags, "x"), at)
    header, _, body = (word_in(tags, "c") or "simple").partition("/")
    if header not in _CANONICAL or (body or "simple") not in _CANONICAL:
        raise Unfit("its canonical form is unknown (c=)")
    return Signature(
        name,
        key.kind,
        relaxed_header=header == "relaxed",
        relaxed_body=body == "relaxed",
        fields=fields,
        body_sha256=decoded(tags.get("bh", "")),
        value=decoded(tags.get("b", "")),
        unsigned=_without_value(value),
    )


def proven(said: Authentication, checked: Checked) -> Authentication:
    """
    Return what is known of the sender by what trusted servers say and by our own check.

    A refusal by a trusted server stands: it has asked the domain, which may have revoked the key since it was given.
    """
    return Authentication.PASSED if said == Authentication.UNKNOWN and checked.good else said


def _without_value(value: bytes) -> bytes:
    """Return the field with an empty ``b=``; everything else of it is signed (section 3.7)."""
    pieces = value.split(b";")
    return b";".join(
        piece[: piece.index(b"=") + 1] if (match := TAG.match(piece)) and match[1] == b"b" else piece
        for piece in pieces
    )


def _for(identity: str, name: Name, key: Key) -> None:
    if not identity:
        return
    domain = identity.rpartition("@")[2]
    if domain != name.domain and (key.strict or not domain.endswith("." + name.domain)):
        raise Unfit("it is for an address outside its domain (i=)")


def _in_time(signed: str, expires: str, at: datetime) -> None:
    if any(text and not re.fullmatch(r"[0-9]{1,12}", text) for text in (signed, expires)):
        raise Unfit("its times are no numbers")
    if expires and int(expires) <= int(signed or 0):
        raise Unfit("it expires before it was made")
    if expires and int(expires) < at.timestamp():
        raise Unfit("it had expired when the mail came")
