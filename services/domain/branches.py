"""Whether an answer goes on with its conversation or begins another matter under it."""

import re

from services.domain.subjects import SubjectKey

LOOKED_AT = 20_000
"""Characters of either text that are compared."""
SHINGLE = 5
"""Words in a row that must be the same: safe against another wrapping of lines."""

_QUOTED = re.compile(r"^[ \t]*>", re.MULTILINE)
_HEAD = re.compile(
    # "On …, Kim wrote:" in any language ends with a colon and has an address or a year; a header block follows a rule
    r"^(?:[-_]{5,}.*|[^\n]{0,200}(?:@|\b(?:19|20)\d\d\b)[^\n]{0,200}:|\*?(?:From|Von|De|Da|Van|Från|Fra|Od|От|发件人)\s?:.*)$",
    re.MULTILINE | re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


def subject_changed(subject: SubjectKey, before: SubjectKey) -> bool:
    """Whether a subject differs from the one that it answers; marks, tags and their order count for nothing."""
    return subject.text != before.text


def quoted(body: str) -> str:
    """Return what a text quotes: its marked lines, else all after the line that introduces an original; or nothing."""
    text = body[:LOOKED_AT]
    if _QUOTED.search(text):
        return "\n".join(line.lstrip("> \t") for line in text.splitlines() if line.lstrip().startswith(">"))
    head = _HEAD.search(text)
    return text[head.end() :] if head else ""


def quotes(body: str, original: str) -> bool:
    """
    Whether a text quotes the other: words in a row of what it quotes stand there too. Linear.

    An original shorter than that must be quoted as a whole.
    """
    words, there = _words(quoted(body)), _words(original[:LOOKED_AT])
    width = min(SHINGLE, len(there))
    if not width or len(words) < width:
        return False
    shingles = {tuple(there[n : n + width]) for n in range(len(there) - width + 1)}
    return any(tuple(words[n : n + width]) in shingles for n in range(len(words) - width + 1))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
