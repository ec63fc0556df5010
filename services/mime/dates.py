"""The Date header as an instant (RFC 5322 section 3.3), as tolerant as mail is old."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

_USUAL = re.compile(
    r"\s*(?:[A-Za-z]{3},)?\s*([0-9]{1,2}) ([A-Za-z]{3}) ([0-9]{4})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})\b"
)
_MONTHS = {
    m: i for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_FIRST, _LAST = 1970, 2100
_LONGEST = 200
_LEAP = 60


def instant(value: str) -> datetime | None:
    """Return the instant in UTC, or None when it is unreadable or outside 1970 to 2100; no zone means UTC."""
    if len(value) > _LONGEST:
        return None
    try:
        found = _usual(value) or _any(value)
    except (ValueError, OverflowError, TypeError, IndexError, AttributeError):
        return None
    return found if found is not None and _FIRST <= found.year <= _LAST else None


def _usual(value: str) -> datetime | None:
    match = _USUAL.match(value)
    if match is None or (month := _MONTHS.get(match[2].lower())) is None:
        return None
    offset = timedelta(hours=int(match[8]), minutes=int(match[9]))
    seconds = int(match[6])
    written = datetime(int(match[3]), month, int(match[1]), int(match[4]), int(match[5]), min(seconds, 59), tzinfo=UTC)
    return written - offset if match[7] == "+" else written + offset


def _any(value: str) -> datetime | None:
    fields = parsedate_tz(value)
    if fields is None:
        return None
    year, month, day, hour, minute, second = fields[:6]
    if second == _LEAP:
        second = 59
    written = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return written - timedelta(seconds=fields[9] or 0)
