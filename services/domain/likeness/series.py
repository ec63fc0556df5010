"""Numbered parts of one series: "[PATCH v2 3/7] …", which hang off the cover letter, part 0, or else part 1."""

import re
from dataclasses import dataclass

_PART = re.compile(
    r"^\s*(?:\[[^\]\[]{0,40}\]\s*)?\[([^\]\[]{0,80}?)\b(\d{1,3})/(\d{1,3})\b([^\]\[]{0,40})\]", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: ``label`` is what all parts of a series have around their number."""

    label: str
    number: int
    total: int


def part_of(subject: str) -> Part | None:
    """Return which part of a series a subject names; an answer to a part is none."""
    found = _PART.match(subject[:200])
    if found is None or int(found[2]) > int(found[3]):
        return None
    return Part(" ".join(f"{found[1]} {found[4]}".lower().split()), int(found[2]), int(found[3]))
