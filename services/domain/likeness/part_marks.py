"""Whether a mail is the next part of a series that a candidate conversation has."""

from collections.abc import Iterable

from services.domain.likeness.entries import Entry
from services.domain.likeness.marks import Mark
from services.domain.likeness.traits import Traits

AT_ONCE, PAUSE = 5, 1200
"""Seconds behind the last part: a program that sends a series needs at most so many, a series takes no longer pause."""


def series_marks(traits: Traits, entries: Iterable[Entry]) -> Mark:
    """Return the mark of a cover letter or of a first part, without which half of the series are no conversation."""
    parts = [one for one in entries if one.series and one.series == traits.series]
    if not parts or traits.part is None or traits.part.number == 0:
        return Mark(0)
    last = max(parts, key=lambda one: (one.second, one.number))
    pause = traits.second - last.second
    if pause > PAUSE or any(one.number == traits.part.number for one in parts):
        return Mark(0)
    if any(one.number == 0 for one in parts):
        return Mark.COVER_LETTER
    if last.number != traits.part.number - 1:
        return Mark(0)
    return Mark.FIRST_PART | (Mark.AT_ONCE if pause <= AT_ONCE else Mark(0))
