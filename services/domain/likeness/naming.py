"""How exactly an attribution names a stored mail: by sender and minute, by sender and day, by sender, or not."""

from collections.abc import Collection

from services.domain.likeness.attributions import Attribution
from services.domain.likeness.entries import Entry
from services.domain.likeness.marks import Mark
from services.domain.likeness.stated_times import DAY, Stated

MINUTE, SAME_DAY, SENDER, NOT = 3, 2, 1, 0
MARK_OF = {MINUTE: Mark.NAMED_MINUTE, SAME_DAY: Mark.NAMED_DAY, SENDER: Mark.NAMED_SENDER, NOT: Mark(0)}
_FARTHEST_ZONE = 14 * 60
_HALF_HOUR = 30
_TOLERANCE = 1


def named(attribution: Attribution, names: Collection[int], entry: Entry, offset: int | None) -> int:
    """Return how exactly; ``names`` are the hashes of what it names, ``offset`` the replier's zone."""
    if not any(one in names for one in entry.sender):
        return NOT
    if not attribution.stated:
        return SENDER
    return max(_moment(stated, entry, offset) for stated in attribution.stated)


def _moment(stated: Stated, entry: Entry, offset: int | None) -> int:
    if not stated.exact:
        return SAME_DAY if abs(stated.local // DAY - entry.minute // DAY) <= 1 else NOT
    ahead = stated.local - entry.minute
    if stated.offset is not None:
        return MINUTE if abs(ahead - stated.offset) <= _TOLERANCE else NOT
    zones = {0, entry.offset} if offset is None else {0, entry.offset, offset, offset + 60, offset - 60}
    if any(abs(ahead - zone) <= _TOLERANCE for zone in zones):
        return MINUTE
    # In some other zone, a whole number of half hours away.
    return SAME_DAY if abs(ahead) <= _FARTHEST_ZONE and (ahead + 1) % _HALF_HOUR <= 2 * _TOLERANCE else NOT
