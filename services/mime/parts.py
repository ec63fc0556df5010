"""The leaves of a MIME tree: their numbers, what each is for, and which of them a person reads."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.domain.message import Part, PartRole
from services.mime.characters import clean, storable
from services.mime.sniffing import sniff
from services.mime.tree import MESSAGES, Node

_SEPARATORS = re.compile(r"[/\\\u2044\u2215\uff0f\uff3c]")
_LONGEST_NAME = 255
_LONGEST_EXTENSION = 20
_LONGEST_TOKEN = 200
_CID = re.compile(rb"cid:([^\"'\s<>)]{1,400})", re.IGNORECASE)
_LOOKED_AT = 1024 * 1024  # bytes of an HTML part
_BODIES = ("text/plain", "text/html")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf in its place: its number, the multipart around it and whether it is the first in there."""

    path: str
    node: Node
    within: str
    alternative: str  # the number of the nearest multipart/alternative around it, or ""
    first: bool


def leaves(root: Node) -> Iterator[Leaf]:
    """
    Yield the leaves in order, numbered as IMAP numbers them (RFC 9051 section 6.4.5).

    A message in the message is a leaf. A multipart without any part is a leaf with nothing in it.
    """
    if not root.children:
        yield Leaf("1", root, "", "", True)
        return
    yield from _below(root, "", "")


def _below(node: Node, path: str, alternative: str) -> Iterator[Leaf]:
    if node.content_type == "multipart/alternative":
        alternative = path or "0"
    for number, child in enumerate(node.children, 1):
        own = f"{path}.{number}" if path else str(number)
        if child.children:
            yield from _below(child, own, alternative)
        else:
            yield Leaf(own, child, node.content_type, alternative, number == 1)


def is_body(leaf: Leaf) -> bool:
    """Say whether a reader shows this text as (part of) the mail; in the manner of RFC 8621 section 4.1.4."""
    node = leaf.node
    if node.content_type not in _BODIES or node.disposition == "attachment":
        return False
    if leaf.first or leaf.within == "multipart/alternative":
        return True
    return leaf.within != "multipart/related" and not node.filename


def describe(found: list[Leaf]) -> tuple[Part, ...]:
    """Return the leaves as the parts of a message."""
    shown = _shown(found) if any(leaf.node.content_id for leaf in found) else frozenset()
    return tuple(_part(leaf, shown) for leaf in found)


def _part(leaf: Leaf, shown: frozenset[str]) -> Part:
    node = leaf.node
    content = node.content or b""
    content_id = clean(node.content_id)[:_LONGEST_TOKEN]
    role = _role(leaf, content_id, shown)
    return Part(
        path=leaf.path,
        content_type=clean(node.content_type)[:_LONGEST_TOKEN] or "application/octet-stream",
        filename=filename(node),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        disposition=clean(node.disposition)[:_LONGEST_TOKEN],
        content_id=content_id,
        role=role,
        sniffed="" if role == PartRole.BODY else sniff(content),
    )


def _role(leaf: Leaf, content_id: str, shown: frozenset[str]) -> PartRole:
    if is_body(leaf):
        return PartRole.BODY
    if content_id and leaf.node.content_type not in MESSAGES:
        if leaf.within == "multipart/related":
            return PartRole.INLINE
        if leaf.node.disposition != "attachment" and content_id in shown:
            return PartRole.INLINE
    return PartRole.ATTACHMENT


def _shown(found: list[Leaf]) -> frozenset[str]:
    """Return the content ids that the HTML bodies refer to (RFC 2392)."""
    texts = (leaf.node.content or b"" for leaf in found if leaf.node.content_type == "text/html" and is_body(leaf))
    return frozenset(cid.decode("latin-1") for text in texts for cid in _CID.findall(text[:_LOOKED_AT]))


def filename(node: Node) -> str:
    """Return the file name without path separators, controls and direction marks; "" when there is none."""
    name = _safe(node.filename)
    if not name and node.content_type in MESSAGES:
        subject = _safe(node.subject)[: _LONGEST_NAME - 4].strip(" .")
        name = f"{subject or 'message'}.eml"
    return name


def _safe(name: str) -> str:
    text = _SEPARATORS.sub("", clean(storable(name)))
    if len(text) > _LONGEST_NAME:
        stem, dot, last = text.rpartition(".")
        end = dot + last if len(last) <= _LONGEST_EXTENSION else ""  # what kind of file it is said to be is kept
        text = (stem or text)[: _LONGEST_NAME - len(end)] + end
    text = text.strip()
    return "" if text in (".", "..") else text
