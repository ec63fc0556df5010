"""Public keys with which DKIM signatures are checked, as domains publish them (RFC 6376 section 3.6)."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

SHORTEST_RSA = 1_024
LONGEST_RSA = 8_192
ALGORITHMS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
"""The algorithms that are believed, with the kind of key; rsa-sha1 is not (RFC 8301)."""
BLANKS = " \t\r\n"
TAG = re.compile(rb"[ \t\r\n]*([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*=(.*)\Z", re.DOTALL)
_WITHOUT_BLANKS = str.maketrans("", "", BLANKS)
_LABELS = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")


@dataclass(frozen=True, slots=True)
class Name:
    """Under which domain and selector a key is published."""

    domain: str
    selector: str

    def __str__(self) -> str:
        """Return the name of its record in the DNS."""
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True, slots=True)
class Key:
    """A public key: its kind (``rsa``, ``ed25519``) and its bytes; ``strict``: not for addresses in subdomains."""

    name: Name
    kind: str
    material: bytes = field(repr=False)
    strict: bool = False


class Unfit(ValueError):  # noqa: N818 - named for what is the matter
    """A signature or a key cannot prove anything; the text says why."""


@lru_cache(maxsize=1_024)
def key_of(text: str) -> Key:
    """
    Return the key that "SELECTOR._domainkey.DOMAIN RECORD" describes, the record as it stands in the DNS.

    Raises :class:`Unfit`, for a person, when it is none that may prove anything.
    """
    where, record = [*text.split(maxsplit=1), "", ""][:2]
    selector, mark, domain = where.lower().rstrip(".").partition("._domainkey.")
    if not mark or not _LABELS.fullmatch(selector) or not _LABELS.fullmatch(domain) or "." not in domain:
        raise Unfit("must begin with the name of the record, SELECTOR._domainkey.DOMAIN, and a blank")
    try:
        tags = tags_of(re.sub(r'"\s*"', "", record.strip()).strip('"').encode("utf-8"))
        material = decoded(tags.get("p", ""))
    except Unfit as error:
        raise Unfit(f"must hold a DKIM record as it stands in the DNS: {error}") from None
    said = {name: value.strip(BLANKS) for name, value in tags.items()}
    kind = said.get("k", "rsa")
    flags = said.get("t", "").split(":")
    if said.get("v", "DKIM1") != "DKIM1":
        raise Unfit("must be a DKIM record: v=DKIM1")
    if kind not in ALGORITHMS.values():
        raise Unfit(f"has a key of a kind that is not believed: take k={' or k='.join(ALGORITHMS.values())}")
    if "h" in said and "sha256" not in said["h"].replace(" ", "").split(":"):
        raise Unfit("is a key for rsa-sha1 only, which is not believed: take another key")
    if not {"*", "email"} & set(said.get("s", "*").replace(" ", "").split(":")):
        raise Unfit("is not a key for mail: its s= names another service")
    if "y" in flags:
        raise Unfit("is a key that its domain only tests (t=y): take another key")
    if not material:
        raise Unfit("holds no key: p= is missing, or empty because the domain has revoked it")
    return Key(Name(domain, selector), kind, material, strict="s" in flags)


def tags_of(value: bytes) -> dict[str, str]:
    """Return the tags of a list (section 3.2)."""
    pieces = value.rstrip(BLANKS.encode()).removesuffix(b";").split(b";")
    found: dict[str, str] = {}
    for piece in pieces:
        match = TAG.match(piece)
        if match is None:
            raise Unfit("it is no list of tags")
        name = match[1].decode("ascii")
        if name in found:
            raise Unfit("it has a tag twice")
        try:
            found[name] = match[2].decode("ascii")
        except UnicodeDecodeError as error:
            raise Unfit("it is not ASCII") from error
    return found


def word_in(tags: Mapping[str, str], name: str) -> str:
    """Return the value of a tag without blanks, in lower case; nothing when it is not there."""
    return tags.get(name, "").translate(_WITHOUT_BLANKS).lower()


def decoded(text: str) -> bytes:
    """Return what a base64 value holds; :class:`Unfit` when it is none."""
    try:
        return base64.b64decode(text.translate(_WITHOUT_BLANKS), validate=True)
    except binascii.Error as error:
        raise Unfit("it holds something that is no base64") from error
