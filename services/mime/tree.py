"""The MIME tree of a mail in one shape, whichever parser read it."""

import email
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message as StdlibMessage
from email.policy import compat32
from typing import Protocol

from fast_mail_parser import parse_email_tree

from services.mime.words import decode_words

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]+)", re.IGNORECASE)
_DEEPEST = 256
MESSAGES = frozenset({"message/rfc822", "message/global"})


@dataclass(slots=True)
class Node:
    """A part: ``content`` is the decoded bytes of a leaf (or of a message in the message), else None."""

    content_type: str
    charset: str = ""
    filename: str = ""
    content_id: str = ""
    disposition: str = ""
    content: bytes | None = None
    subject: str = ""  # of the message in the message
    children: list["Node"] = field(default_factory=list)


class _Native(Protocol):
    """What the fast parser gives for a part."""

    content_type: str
    headers: dict[str, list[str]]
    filename: str
    content_id: str | None
    disposition: str | None
    is_message: bool

    @property
    def content(self) -> bytes | None: ...
    @property
    def children(self) -> Sequence["_Native"]: ...


def native(raw: bytes) -> Node:
    """Read the tree with the fast parser; raises what it raises (a ParseError) when it cannot."""
    root: _Native = parse_email_tree(raw, mode="lazy")
    return _from_native(root)


def _from_native(part: _Native) -> Node:
    kind = part.content_type.lower()
    node = Node(
        kind,
        filename=part.filename or "",
        content_id=part.content_id or "",
        disposition=(part.disposition or "").lower(),
        content=part.content,
    )
    if part.is_message:
        node.content_type = kind if kind in MESSAGES else "message/rfc822"
        inner = part.children
        node.subject = _header(inner[0].headers, "subject") if inner else ""
    elif kind.startswith("multipart/"):
        node.children = [_from_native(child) for child in part.children]
    elif kind.startswith("text/"):
        match = _CHARSET.search(_header(part.headers, "content-type"))
        node.charset = match[1] if match else ""
    return node


def _header(headers: Mapping[str, Sequence[str]], wanted: str) -> str:
    for name, values in headers.items():
        if name.lower() == wanted:
            return values[0] if values else ""
    return ""


def lenient(raw: bytes) -> Node:
    """Read the tree with the parser of the standard library. Slow for hostile input: for a child process."""
    return _from_stdlib(email.message_from_bytes(raw, policy=compat32), 0)


def _from_stdlib(part: "StdlibMessage[str, str]", depth: int) -> Node:
    kind = part.get_content_type().lower()
    node = Node(
        kind,
        filename=decode_words(part.get_filename("") or ""),
        content_id=str(part.get("content-id", "")).strip(" <>\t\r\n"),
        disposition=(part.get_content_disposition() or "").lower(),
    )
    payload = part.get_payload()
    if kind in MESSAGES:
        inner = payload[0] if isinstance(payload, list) and payload else None
        node.subject = decode_words(str(inner.get("subject", ""))) if isinstance(inner, StdlibMessage) else ""
        node.content = _bytes_of(inner if isinstance(inner, StdlibMessage) else part)
    elif isinstance(payload, list):
        if depth < _DEEPEST:
            node.children = [_from_stdlib(child, depth + 1) for child in payload if isinstance(child, StdlibMessage)]
        if not kind.startswith("multipart/"):  # message/delivery-status: blocks of headers
            node.content = b"\n".join(_bytes_of(child) for child in payload if isinstance(child, StdlibMessage))
            node.children = []
    else:
        decoded = part.get_payload(decode=True)
        node.content = decoded if isinstance(decoded, bytes) else b""
        node.charset = str(part.get_param("charset", "") or "")
    return node


def _bytes_of(part: "StdlibMessage[str, str]") -> bytes:
    try:
        return part.as_bytes(policy=compat32)
    except (ValueError, LookupError, TypeError, AttributeError):
        return b""
