"""What a server says of a folder when it is opened (RFC 9051 sections 6.3.2 and 6.3.3, RFC 8474)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LARGEST_NUMBER = 2**32  # UIDs and UIDVALIDITY have 32 bits (RFC 9051 section 2.3.1.1)

_MAILBOX_ID = re.compile(rb"MAILBOXID\s*\(?\s*\(([^)\s]+)\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A folder opened for reading; ``uidnext`` is above every UID that is in it now."""

    uidvalidity: int
    uidnext: int
    mailbox_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What the answers to EXAMINE say; ``uidnext`` is 0 where the server does not announce it."""

    exists: int
    uidvalidity: int
    uidnext: int
    mailbox_id: str | None


def examined(seen: Mapping[str, Any], text: Sequence[Any]) -> Examined | None:
    """Return what untagged answers and the text of the tagged one say; None when the numbers are of no use."""
    validity = int(last(seen.get("UIDVALIDITY")) or 0)
    announced = int(last(seen.get("UIDNEXT")) or 0)
    if not 0 < validity <= LARGEST_NUMBER or announced > LARGEST_NUMBER:
        return None
    return Examined(
        exists=int(last(seen.get("EXISTS")) or 0),
        uidvalidity=validity,
        uidnext=announced,
        mailbox_id=_mailbox_id([*text, *seen.get("OK", []), *_keyed(seen, "MAILBOXID")]),
    )


def last(values: Any) -> bytes | None:  # noqa: ANN401 - imaplib's loose lists
    """Return what the server said last; None when it said nothing."""
    return values[-1] if values else None


def _keyed(seen: Mapping[str, Any], name: str) -> list[bytes]:
    return [name.encode() + b" " + v for v in seen.get(name, []) if isinstance(v, bytes)]


def _mailbox_id(texts: Sequence[Any]) -> str | None:
    for text in texts:
        found = _MAILBOX_ID.search(text) if isinstance(text, bytes) else None
        if found:
            return found.group(1).decode("ascii", "replace")
    return None
