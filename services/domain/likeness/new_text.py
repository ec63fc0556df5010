"""The new text of a reply: what its author has written, apart from quoted text and signature."""

import re

from services.domain.likeness.attributions import attributions
from services.domain.likeness.endings import DIVIDER_LINE, ORIGINAL, SENT_WITH, SIGNATURE, TIME
from services.domain.likeness.quotes import DIVIDER, MARKED

_FOLDED = 5  # lines of the longest attribution
_ABOVE, _BLANK = 3, 2  # lines
_LONGEST_LINE = 200
_LONGEST_SIGNATURE = 15  # lines with text
_ENDS_ATTRIBUTION = re.compile(r"[:\uff1a][ \t*]{0,8}$")


def new_text(text: str) -> str:
    """
    Return the new text, trimmed; empty when there is none.

    Marked lines go, with the attribution above them, so answers between quotes stay. Behind an attribution whose
    quote has no marks, and behind a divider, nothing is new, where these stand above the first marked line. Linear:
    each line is looked at a bounded number of times.
    """
    marked = MARKED.search(text)
    # Behind the first mark attributions stand in quotes; most of a long conversation need not be read for them.
    looked = text[: marked.end()] if marked else text
    ends = [one.start() for one in (DIVIDER.search(looked), ORIGINAL.search(looked)) if one is not None]
    introduced: dict[int, int] = {}  # attributions of marked quotes: where one begins and ends
    for one in attributions(looked):
        end = _introduces(text, one.start)
        if end < 0:
            ends.append(one.start)
        else:
            introduced[one.start] = end
    kept: list[str] = []
    at, stop, quoted = 0, min(ends, default=len(text)), False
    while at < stop:
        if at in introduced:
            at = introduced[at]
            continue
        end = text.find("\n", at, stop)
        line = text[at : end if end >= 0 else stop]
        at += len(line) + 1
        above, quoted = quoted, MARKED.match(line) is not None
        if not quoted:
            kept.append(line)
        elif not above:
            _attributed(kept)
    return "\n".join(_unsigned(kept)).strip()


def _introduces(text: str, start: int) -> int:
    """Return where the marked quote begins that this attribution introduces, or -1 when no marked line follows it."""
    at = start
    for _ in range(_FOLDED):
        end = text.find("\n", at)
        if end < 0:
            return -1
        line = text[at:end]
        at = end + 1
        if _ENDS_ATTRIBUTION.search(line[-20:]):
            while text.startswith(("\n", " \n"), at):
                at = text.find("\n", at) + 1
            return at if MARKED.match(text, at) else -1
    return -1


def _attributed(kept: list[str]) -> None:
    """Take away the lines above marked ones that say whose they are."""
    filled = len(kept)
    while filled and len(kept) - filled < _BLANK and not kept[filled - 1].strip():
        filled -= 1
    for number in range(filled - 1, max(-1, filled - 1 - _ABOVE), -1):
        line = kept[number]
        if len(line) > _LONGEST_LINE or not line.strip():
            return
        said = " ".join(kept[number:filled])
        if "@" in said and TIME.search(said):
            del kept[number:]
            return


def _unsigned(lines: list[str]) -> list[str]:
    """Return the lines without the signature, and without what programs write below a mail."""
    end, filled = len(lines), 0
    for number in range(len(lines) - 1, -1, -1):
        if SIGNATURE.match(lines[number]):
            end, filled = number, 0
            continue
        filled += bool(lines[number].strip())
        if filled > _LONGEST_SIGNATURE:
            break
    while end and (not lines[end - 1].strip() or DIVIDER_LINE.match(lines[end - 1]) or SENT_WITH.match(lines[end - 1])):
        end -= 1
    return lines[:end]
