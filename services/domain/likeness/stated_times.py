"""Which moments a line of text states: the date and time of an attribution or of a quoted header block."""

import re
from calendar import timegm
from collections.abc import Iterator
from dataclasses import dataclass

from services.domain.likeness.wordings import MONTHS

DAY = 24 * 60
"""Minutes of a day."""


@dataclass(frozen=True, slots=True)
class Stated:
    """
    A moment as a text states it, in minutes since 1970 by the writer's clock.

    ``offset`` is the stated zone in minutes east of UTC, None when there is none. ``exact`` is false when only the
    day is stated; then ``local`` is its first minute.
    """

    local: int
    offset: int | None
    exact: bool


_HALVES = {"上午": "a", "오전": "a", "下午": "p", "오후": "p"}
_FULL_YEAR = 4
_OLDEST = 70
_LAST_MONTH, _LAST_DAY, _NOON, _HOURS, _MINUTES = 12, 31, 12, 24, 60
_ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "bst": 60, "cet": 60, "cest": 120, "eet": 120, "eest": 180, "ist": 330, "jst": 540,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
}  # fmt: skip

_YEAR_FIRST = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:[-/.]\s?|年\s?)(\d{1,2})(?:[-/.]\s?|月\s?)(\d{1,2})(?!\d)")
_DAY_NAME = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|\.)?[\s-]{0,2}(?:de\s|of\s)?([^\W\d_]{3,10})[.,]?[\s,-]{0,2}(?:de\s|of\s)?"
    r"((?:19|20)\d\d|\d\d)(?!\d)"
)
_NAME_DAY = re.compile(r"([^\W\d_]{3,10})[.,]?\s{1,2}(\d{1,2})(?:st|nd|rd|th)?,?\s{1,2}((?:19|20)\d\d)(?!\d)")
_NUMBERS = re.compile(r"(?<![\d:])(\d{1,2})([-/.])\s?(\d{1,2})\2\s?((?:19|20)\d\d|\d\d)(?![\d:])")
_TIME = re.compile(
    r"(上午|下午|오전|오후)?\s?(?<![\d:.+-])(\d{1,2})(?::|h|(?<=\d)\.(?=\d\d\b(?![./]\d)))(\d\d)(?::\d\d)?(?![\d:])"
    r"(?:[\s\u202f\xa0?]?([AaPp])\.?\s?[Mm]\b\.?)?"
)
_OFFSET = re.compile(
    r"\s{0,2}\(?(?:GMT|UTC)?\s?([+-])(\d\d):?([03]0|45)\b|\s{0,2}\(?(?:GMT|UTC)([+-])(\d{1,2})\b|\s{0,2}\(?([A-Z]{1,4})\b"
)


def stated_times(text: str) -> tuple[Stated, ...]:
    """
    Return the moments that the first date and time of a text can mean: several where the order of day and month
    is open. A text without a date states none. Linear in the text, which the caller keeps short.
    """
    days = list(dict.fromkeys(_days(text)))
    if not days:
        return ()
    minute, offset = _clock(text)
    if minute is None:
        return tuple(Stated(day * DAY, None, False) for day in days)
    return tuple(Stated(day * DAY + minute, offset, True) for day in days)


def _days(text: str) -> Iterator[int]:
    for year, month, day in _YEAR_FIRST.findall(text)[:1]:
        yield from _day(int(year), int(month), int(day))
        return
    for day, name, year in _DAY_NAME.findall(text)[:2]:
        if name.casefold() in MONTHS:
            yield from _day(_full(year), MONTHS[name.casefold()], int(day))
            return
    for name, day, year in _NAME_DAY.findall(text)[:3]:
        if name.casefold() in MONTHS:
            yield from _day(int(year), MONTHS[name.casefold()], int(day))
            return
    for first, _, second, last in _NUMBERS.findall(text)[:1]:
        yield from _day(_full(last), int(first), int(second))
        yield from _day(_full(last), int(second), int(first))
        if len(last) < _FULL_YEAR:
            yield from _day(_full(first), int(second), int(last))


def _full(year: str) -> int:
    number = int(year)
    return number if len(year) == _FULL_YEAR else number + (1900 if number >= _OLDEST else 2000)


def _day(year: int, month: int, day: int) -> Iterator[int]:
    if 1 <= month <= _LAST_MONTH and 1 <= day <= _LAST_DAY:
        yield timegm((year, month, day, 0, 0, 0)) // 86_400


def _clock(text: str) -> tuple[int | None, int | None]:
    for found in _TIME.finditer(text):
        hour, minute = int(found[2]), int(found[3])
        half = (
            found[4].lower() if found[4] else {"上午": "a", "오전": "a", "下午": "p", "오후": "p"}.get(found[1] or "")
        )
        if half and 1 <= hour <= _NOON:
            hour = hour % _NOON + (_NOON if half == "p" else 0)
        if hour < _HOURS and minute < _MINUTES:
            return hour * _MINUTES + minute, _offset(text, found.end())
    return None, None


def _offset(text: str, end: int) -> int | None:
    found = _OFFSET.match(text, end)
    if found is None:
        return None
    if found[6]:
        return _ZONES.get(found[6].lower())
    sign, hours, minutes = (found[1], found[2], found[3]) if found[1] else (found[4], found[5], "0")
    return (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1)
