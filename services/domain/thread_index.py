"""
The Thread-Index header of Outlook and Exchange ([MS-OXOMSG] section 2.2.1.3).

A root of 22 bytes names the conversation, each answer adds a block of 5 bytes: the value of the mail that is answered
is the beginning of the answer's. Two layouts of the root are in use: a reserved byte 0x01 and five bytes of the time,
or six bytes of the time, whose first is 0x01 in our days. The 16 bytes after either are the GUID.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from services.domain.evidence import Evidence, Kind

ROOT_BYTES = 22
BLOCK_BYTES = 5
MOST_BLOCKS = 200
"""Answers below the root that are looked at; programs write no more than a header line holds."""
_TIME_BYTES = 6


@dataclass(frozen=True, slots=True)
class ThreadIndex:
    """A value, decoded and cut to whole blocks."""

    value: bytes

    @property
    def root(self) -> bytes:
        """What all mails of the conversation have in common."""
        return self.value[:ROOT_BYTES]


def decode(text: str) -> ThreadIndex | None:
    """Return the value of a Thread-Index header, or None when it is none: too short, no base64, no GUID."""
    try:
        raw = base64.b64decode("".join(text.split())[: 4 * (ROOT_BYTES + MOST_BLOCKS * BLOCK_BYTES)], validate=True)
    except (binascii.Error, ValueError):
        return None
    whole = min((len(raw) - ROOT_BYTES) // BLOCK_BYTES, MOST_BLOCKS)
    if whole < 0 or not any(raw[_TIME_BYTES:ROOT_BYTES]):
        return None
    return ThreadIndex(raw[: ROOT_BYTES + whole * BLOCK_BYTES])


def gather(text: str, *, key: Callable[[str, str], UUID]) -> tuple[Evidence, ...]:
    """Return what a Thread-Index header points at: its root. A malformed one is no evidence."""
    index = decode(text) if text else None
    if index is None:
        return ()
    return (Evidence(Kind.THREAD_INDEX, 0, key("thread-index", index.root.hex()), index.value.hex()),)


def nearness(own: str, other: str) -> tuple[bool, int, str] | None:
    """
    Return how near a mail with the value ``other`` is above one with the value ``own``, both in hex; greater is nearer.

    None when it is not above: only a lesser value is, so that no two mails stand above each other. What was answered
    comes first, from the nearest on; where none of that counts, the mail with the longest common way.
    """
    if other >= own:
        return None
    common = 0
    while common < len(other) and other[common] == own[common]:
        common += 1
    return common == len(other), common, other
