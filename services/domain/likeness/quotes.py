"""Which part of a text is quoted: marked lines, and everything behind a quoted header block."""

import re
from collections.abc import Sequence

from services.domain.likeness.attributions import Attribution

LONGEST_TEXT = 16_384
"""Characters of a text that are looked at."""
_FEWEST_MARKED = 2
_SHORTEST_QUOTE = 40

MARKED = re.compile(r"^[ \t]{0,4}[>|].*$", re.MULTILINE)
"""A line with a mark of a quote."""
DIVIDER = re.compile(
    r"^[ \t>*_]{0,8}-{2,30}\s?(?:original|forwarded|ursprüngliche|weitergeleitete|message d'origine|mensaje original|"
    r"messaggio originale|mensagem original|oorspronkelijk|ursprungligt|original besked|原始|邮件原件)",
    re.IGNORECASE | re.MULTILINE,
)
"""The line above a mail that is quoted as a whole."""


def quoted_part(text: str, named: Sequence[Attribution]) -> str:
    """
    Return the quoted text, or the empty string.

    Lines with a mark are quoted; where none follows an attribution or a divider, all behind it is. Linear.
    """
    marked = MARKED.findall(text)
    if len(marked) >= _FEWEST_MARKED:
        return "\n".join(marked)
    starts = [one.start for one in named[:1]]
    divider = DIVIDER.search(text)
    if divider:
        starts.append(divider.start())
    behind = text[min(starts) :] if starts else ""
    return behind if len(behind) > _SHORTEST_QUOTE else "\n".join(marked)
