"""What FETCH answers say: UID, INTERNALDATE, RFC822.SIZE and content, in whatever order and shape they come."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from services.fetcher import failures

LISTING = "(UID INTERNALDATE RFC822.SIZE FLAGS)"
KEYWORD = "$MailweaveTracked"
"""What a person sets on a mail to have it tracked (domain rule 2.4)."""

_FLAGGED = re.compile(rb"FLAGS \([^)]*%b(?![^\s)])" % re.escape(KEYWORD.encode()), re.IGNORECASE)
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)", re.IGNORECASE)
_DATE = re.compile(
    rb'INTERNALDATE "\s*(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"', re.IGNORECASE
)
_QUOTED_BODY = re.compile(rb'BODY\[[^\]]*\](?:<\d+>)? "((?:\\.|[^"\\])*)"', re.IGNORECASE)
_LITERAL_BODY = re.compile(rb"BODY\[[^\]]*\](?:<\d+>)? ~?\{\d+\}$", re.IGNORECASE)
_NAME = rb"[A-Z][A-Z0-9.-]*(?:\[[^\]]*\](?:<\d+>)?)?"
_TEXT = rb'"(?:[^"\\]|\\.)*"'
_VALUE = rb"(?:%b|\((?:[^()\"]|%b|\([^()]*\))*\)|NIL|\d+)" % (_TEXT, _TEXT)
_AFTER_LITERAL = re.compile(rb"(?: %b %b)*(?: *\) *| %b ~?\{\d+\})" % (_NAME, _VALUE, _NAME), re.IGNORECASE | re.DOTALL)
_MONTHS = {m: i for i, m in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail as the server lists it. ``size`` is the server's word; some servers are wrong about it."""

    uid: int
    internal_date: datetime
    size: int
    flagged: bool = False


def internal_date(line: bytes) -> datetime | None:
    """Return INTERNALDATE (RFC 9051 section 2.3.3) in UTC, or None when it is absent or no date."""
    found = _DATE.search(line)
    if found is None:
        return None
    day, month, year, hour, minute, second, sign, over_hours, over_minutes = found.groups()
    offset = timedelta(hours=int(over_hours), minutes=int(over_minutes))
    try:
        zone = timezone(-offset if sign == b"-" else offset)
        number = _MONTHS[month.lower()]
        local = datetime(int(year), number, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, KeyError, OverflowError):
        return None


def grouped(answers: Iterable[object]) -> Iterator[tuple[bytes, list[tuple[bytes, bytes]]]]:
    """
    Yield one (text without literals, [(text before it, literal)]) per FETCH answer.

    imaplib gives an answer with literals as one tuple per literal and the rest as bytes; one without literals
    as bytes alone. Raises :class:`failures.ProtocolError` when what follows a literal is no end of one: its length is
    not what was announced, so a mail would be stored cut, or with a piece of the next.
    """
    text = b""
    literals: list[tuple[bytes, bytes]] = []
    for piece in answers:
        line = piece[0] if isinstance(piece, tuple) else piece
        if literals and not (isinstance(line, bytes) and _AFTER_LITERAL.fullmatch(line)):
            raise failures.ProtocolError("the server gives a mail another length than it announces")
        if isinstance(piece, tuple):
            text += b" " + piece[0]
            literals.append((piece[0], piece[1]))
        elif isinstance(piece, bytes):
            yield text + b" " + piece, literals
            text, literals = b"", []


def listed(answers: Iterable[object], now: datetime) -> list[Listed]:
    """
    Return the mails that a listing names, by UID; an unreadable date becomes ``now``: the mail is not lost.

    Answers without UID are notices about flags that the server sends unasked.
    """
    found: dict[int, Listed] = {}
    for text, _ in grouped(answers):
        uid, size = _UID.search(text), _SIZE.search(text)
        if uid and size:
            number = int(uid.group(1))
            found[number] = Listed(
                number, internal_date(text) or now, int(size.group(1)), flagged=bool(_FLAGGED.search(text))
            )
    return [found[u] for u in sorted(found)]


def bodies(answers: Iterable[object]) -> dict[int, bytes]:
    """Return the contents by UID. A mail without content (NIL, or no answer) is not among them."""
    found: dict[int, bytes] = {}
    for text, literals in grouped(answers):
        uid = _UID.search(text)
        if uid is None:
            continue
        content = next((data for before, data in literals if _LITERAL_BODY.search(before)), None)
        if content is None:
            quoted = _QUOTED_BODY.search(text)
            content = re.sub(rb"\\(.)", rb"\1", quoted.group(1)) if quoted else None
        if content is not None:
            found[int(uid.group(1))] = content
    return found
