"""From bytes to a message, with a given parser: what the process that calls and its child have in common."""

import re
from collections.abc import Callable

from services.domain.message import Message, ParseOutcome
from services.mime.body import Body, body
from services.mime.fields import Reader
from services.mime.headers import Block, scan
from services.mime.limits import Limits
from services.mime.parts import Leaf, describe, leaves
from services.mime.tree import MESSAGES, Node, native

Parser = Callable[[bytes], Node]
NOTHING = Body("", truncated=False, has_html=False, repairs=[])

# Where the fast parser needs time or memory out of proportion; found by measuring.
_ENCODED_WORDS = 4_000  # it looks for encoded words in quadratic time: 33 s for 1 MB of "=?"
_WORDS_TIMES_BYTES = 10**10  # 0.4 s
_NESTED_BYTES = 64 * 1024 * 1024  # it keeps a copy of each message in a message
_LINES = 100_000  # a header or part each, some hundred bytes
_SHORT_LINE = 40
_WORD = re.compile(rb"=\?")


class HostileError(ValueError):
    """The mail would cost the fast parser time or memory out of proportion to its size."""


class LostPartsError(ValueError):
    """The fast parser found a multipart without any part, where another parser may find some."""


def fast(raw: bytes) -> Node:
    """Read the tree with the fast parser, or raise: its errors, HostileError before it tries, LostPartsError."""
    if len(raw) > _ENCODED_WORDS:
        words = len(_WORD.findall(raw))  # a third of what bytes.count takes
        if words > _ENCODED_WORDS or words * len(raw) > _WORDS_TIMES_BYTES:
            raise HostileError
    if len(raw) > _LINES:
        lines = raw.count(b"\n")
        if lines > _LINES and lines * _SHORT_LINE > len(raw):
            raise HostileError
    low = raw.lower()
    messages = low.count(b"message/")
    if messages and (messages * len(raw) > _NESTED_BYTES or _encoded_message(low, messages)):
        raise HostileError
    root = native(raw)
    if _lost(root) and (root.children or b"\n--" in raw):
        raise LostPartsError
    return root


def _lost(node: Node) -> bool:
    return node.content is None and (not node.children or any(_lost(child) for child in node.children))


def _encoded_message(low: bytes, messages: int) -> bool:
    """Say whether a message in here is in base64, which RFC 2046 section 5.2.1 forbids: what it is stays hidden."""
    at = 0
    for _ in range(messages):
        at = low.find(b"message/", at)
        begin = max(low.rfind(b"\n\n", 0, at), low.rfind(b"\n\r\n", 0, at))
        ends = [end for end in (low.find(b"\n\n", at), low.find(b"\n\r\n", at)) if end >= 0]
        if b"base64" in low[max(begin, 0) : min(ends, default=len(low))]:
            return True
        at += 1
    return False


def tree(raw: bytes, block: Block, parser: Parser) -> Node:
    """Return the tree: the parser sees the body and the headers that describe it."""
    content = raw[block.body_start :]
    root = parser(block.mime_lines() + b"\n" + content)
    if not root.children and root.content_type.startswith("multipart/"):
        block.repairs.append("multipart without parts")
        encoding = block.first("content-transfer-encoding")
        root = parser(b"content-type: text/plain\ncontent-transfer-encoding:" + encoding + b"\n\n" + content)
    return root


def read(raw: bytes, limits: Limits, parser: Parser, outcome: ParseOutcome = ParseOutcome.FULL) -> Message:
    """Return the message; raises what the parser raises. ``raw`` has its line ends in order."""
    block = scan(raw, limits)
    if not block.count:
        return message(block, limits, ParseOutcome.UNREADABLE)
    found: list[Leaf] = []
    for leaf in leaves(tree(raw, block, parser)):
        if len(found) == limits.parts:
            block.repairs.append(f"parts cut at {limits.parts}")
            break
        found.append(leaf)
        if leaf.node.content_type.startswith("multipart/") and leaf.node.content_type not in MESSAGES:
            block.repairs.append(f"multipart without parts: {leaf.path}")
    return message(block, limits, outcome, found)


def message(block: Block, limits: Limits, outcome: ParseOutcome, found: list[Leaf] | None = None) -> Message:
    """Return the message of a header block and the leaves found (none when only headers are read)."""
    fields = Reader(block, limits).fields()
    text = body(found, limits) if found else NOTHING
    return Message(
        **fields,
        parts=describe(found) if found else (),
        body_text=text.text,
        body_truncated=text.truncated,
        has_html=text.has_html,
        repairs=(*block.repairs, *text.repairs),
        outcome=outcome,
    )
