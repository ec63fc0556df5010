"""What STATUS says of a folder without opening it (RFC 9051 section 7.3.4, RFC 5819, RFC 7162, RFC 8474)."""

import re
from collections.abc import Iterable

from services.fetcher.folders import Status, decode_name, unquoted

LARGEST = 2**32
LARGEST_MODSEQ = 2**63 - 1  # RFC 7162 section 3

_STATUS = re.compile(rb'(?P<name>"(?:\\.|[^"\\])*"|[^ (]+)? *\((?P<items>.*)\) *', re.DOTALL)
_NUMBER = re.compile(rb"\b(UIDNEXT|UIDVALIDITY|HIGHESTMODSEQ) (\d+)", re.IGNORECASE)
_MAILBOX_ID = re.compile(rb"\bMAILBOXID \(([^)\s]+)\)", re.IGNORECASE)


def list_options(capabilities: Iterable[str]) -> str:
    """Return what LIST is asked to return besides names, as far as the server can do it; empty: it knows no options."""
    offered = {one.upper() for one in capabilities}
    if "LIST-STATUS" not in offered:
        return "SPECIAL-USE" if {"LIST-EXTENDED", "SPECIAL-USE"} <= offered else ""
    asked = ["UIDNEXT", "UIDVALIDITY"]
    asked += ["HIGHESTMODSEQ"] if offered & {"CONDSTORE", "QRESYNC"} else []
    asked += ["MAILBOXID"] if "OBJECTID" in offered else []
    special = "SPECIAL-USE " if "SPECIAL-USE" in offered else ""
    return f"{special}STATUS ({' '.join(asked)})"


def parse_status(answers: Iterable[object], *, utf8: bool = False) -> dict[str, Status]:
    """Return what STATUS answers say by folder name; an answer that lacks UIDVALIDITY or UIDNEXT is left out."""
    found: dict[str, Status] = {}
    for line, literal in _joined(answers):
        match = _STATUS.fullmatch(line)
        if match is None:
            continue
        numbers = {name.upper(): int(value) for name, value in _NUMBER.findall(match["items"])}
        raw = literal if literal is not None else unquoted(match["name"] or b"")
        if not (0 < numbers.get(b"UIDVALIDITY", 0) <= LARGEST and 0 < numbers.get(b"UIDNEXT", 0) <= LARGEST and raw):
            continue
        modseq = numbers.get(b"HIGHESTMODSEQ", 0)
        identified = _MAILBOX_ID.search(match["items"])
        found[decode_name(raw, utf8=utf8)] = Status(
            uidvalidity=numbers[b"UIDVALIDITY"],
            uidnext=numbers[b"UIDNEXT"],
            modseq=modseq if modseq <= LARGEST_MODSEQ else 0,
            mailbox_id=identified.group(1).decode("ascii", "replace") if identified else None,
        )
    return found


def _joined(answers: Iterable[object]) -> Iterable[tuple[bytes, bytes | None]]:
    """Yield line and literal name; imaplib gives what follows a literal as an answer of its own."""
    name: bytes | None = None
    for answer in answers:
        if isinstance(answer, tuple):
            name = answer[1]
        elif isinstance(answer, bytes):
            yield answer.strip(), name
            name = None
