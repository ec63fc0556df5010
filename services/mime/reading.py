"""From bytes to a message, with a given parser: what the process that calls and its child have in common."""

from collections.abc import Callable

from services.domain.message import Message, ParseOutcome
from services.mime.body import Body, body
from services.mime.fields import Reader
from services.mime.headers import Block, scan
from services.mime.hostile import refuse
from services.mime.limits import Limits
from services.mime.parts import Leaf, describe, leaves
from services.mime.reports import report
from services.mime.tnef_parts import unpack
from services.mime.tree import MESSAGES, Node, native

Parser = Callable[[bytes], Node]
NOTHING = Body("", truncated=False, has_html=False, repairs=[])


class LostPartsError(ValueError):
    """The fast parser found a multipart without any part, where another parser may find some."""


def fast(raw: bytes) -> Node:
    """Read the tree with the fast parser, or raise: its errors, HostileError before it tries, LostPartsError."""
    refuse(raw)
    root = native(raw)
    if _lost(root) and (root.children or b"\n--" in raw):
        raise LostPartsError
    return root


def _lost(node: Node) -> bool:
    return node.content is None and (not node.children or any(_lost(child) for child in node.children))


def tree(raw: bytes, block: Block, parser: Parser) -> Node:
    """Return the tree, TNEF taken apart: the parser sees the body and the headers that describe it."""
    content = memoryview(raw)[block.body_start :]
    root = parser(b"".join((block.mime_lines(), b"\n", content)))
    if not root.children and root.content_type.startswith("multipart/"):
        block.repairs.append("multipart without parts")
        encoding = block.first("content-transfer-encoding")
        root = parser(b"".join((b"content-type: text/plain\ncontent-transfer-encoding:", encoding, b"\n\n", content)))
    block.repairs.extend(unpack(root))
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
        report=report(block, found, text.text, limits) if found else None,
    )
