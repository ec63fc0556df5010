"""Which mails the fast parser is spared: those that cost it time or memory out of proportion; found by measuring."""

import re

_ENCODED_WORDS = 4_000  # it looks for the end of each encoded word in all that follows: 33 s for 1 MB of "=?"
_WORDS_TIMES_BYTES = 500_000_000  # 0.5 s
_NESTED_BYTES = 64 * 1024 * 1024  # it keeps a copy of each message in a message
_LINES = 100_000  # a header or part each, some hundred bytes
_SHORT_LINE = 40
_WORD = re.compile(rb"=\?")
_BLANK = re.compile(rb"\n\r?\n")
# In a digest a part is a message, whether or not it says so (RFC 2046 section 5.1.5).
_DIGEST = b"multipart/digest"
_ENCODINGS = (b"base64", b"quoted-printable")
# It decodes these where RFC 2047 section 5 allows no encoded word, so that a type may be one that nobody else reads.
# In lower case: ignoring case and matching at the start of a line takes four times as long.
_HIDDEN = re.compile(rb"\ncontent-t(?:ype|ransfer-encoding)[ \t]*:[^;\n]*(?:\n[ \t][^;\n]*)*=\?")

_MARK = re.compile(rb"\n(?:--|\r?\n|content-transfer-encoding)")
_HEAD_END = re.compile(rb"\n(?:--|\r?\n)|\Z")
_HEAD = re.compile(rb"--[^\n]*(?:\n[!-9;-~]+[ \t]*:[^\n]*|\n[ \t][^\n]*)*")
_LEAF = re.compile(
    rb"\ncontent-type[ \t]*:[ \t]*(?:text|image|audio|video|application)/[a-z0-9.+-]+[ \t\r]*(?=[;\n]|\Z)"
)


class HostileError(ValueError):
    """The mail would cost the fast parser time or memory out of proportion to its size."""


def refuse(raw: bytes) -> None:
    """Raise HostileError when the fast parser should not see this mail. Takes time in proportion to its size."""
    heads = _heads(raw)
    low = b"\n" + heads.lower()
    if b"=?" in low and _HIDDEN.search(low):
        raise HostileError
    if b"message/" in low or _DIGEST in low:
        _refuse_nested(raw)
        heads = raw  # the headers of a message in the message begin behind a blank line
    words = len(_WORD.findall(heads))  # a third of what bytes.count takes
    if words > _ENCODED_WORDS or words * len(heads) > _WORDS_TIMES_BYTES:
        raise HostileError
    lines = heads.count(b"\n") if len(heads) > _LINES else 0
    if lines > _LINES and lines * _SHORT_LINE > len(heads):
        raise HostileError


def _heads(raw: bytes) -> bytes:
    """
    Return all that the parser can take for headers: from the start, and from each boundary, to the next blank line.

    A boundary begins with two hyphens (RFC 2046 section 5.1.1), which base64 has none of: of a mail with a large
    attachment little is left.
    """
    found: list[bytes] = []
    begin = 0
    while begin >= 0:
        blank = _BLANK.search(raw, begin)
        end = blank.end() if blank else len(raw)
        found.append(raw[begin:end])
        hyphen = raw.find(b"-", end)  # ten times as fast as looking for two
        begin = raw.find(b"--", hyphen) if hyphen >= 0 else -1
    return b"".join(found)


def _refuse_nested(raw: bytes) -> None:
    low = b"\n" + raw.lower()
    messages, digests = low.count(b"message/"), low.count(_DIGEST)
    if (messages + digests) * len(raw) > _NESTED_BYTES or _HIDDEN.search(low):
        raise HostileError
    if _encoded(low, b"message/", messages) or _encoded(low, _DIGEST, digests):
        raise HostileError
    if digests and _encoded_in_digest(low):
        raise HostileError


def _encoded(low: bytes, kind: bytes, count: int) -> bool:
    """Say whether a part of this kind is encoded, which RFC 2046 section 5.2.1 forbids: what it is stays hidden."""
    at = 0
    for _ in range(count):
        at = low.find(kind, at)
        begin = max(low.rfind(b"\n\n", 0, at), low.rfind(b"\n\r\n", 0, at))
        ends = [end for end in (low.find(b"\n\n", at), low.find(b"\n\r\n", at)) if end >= 0]
        head = low[max(begin, 0) : min(ends, default=len(low))]
        if any(encoding in head for encoding in _ENCODINGS):
            return True
        at += 1
    return False


def _encoded_in_digest(low: bytes) -> bool:
    """Say whether a part is encoded that does not say once and clearly that it is no message."""
    begin = -1
    for mark in _MARK.finditer(low):
        if mark[0] == b"\n--":
            begin = mark.start() + 1
        elif mark[0][-1:] == b"\n":
            begin = -1  # what follows is a text, or the headers of a message, which says itself what it is
        elif begin >= 0:
            end = _HEAD_END.search(low, mark.end())
            head = low[begin : end.start() if end else len(low)]
            begin = -1
            if any(encoding in head for encoding in _ENCODINGS) and not _says_leaf(head):
                return True
    return False


def _says_leaf(head: bytes) -> bool:
    once = head.count(b"content-type") == 1
    return once and bool(_HEAD.fullmatch(head)) and bool(_LEAF.search(head))
