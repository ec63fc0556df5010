"""
Which mails of a folder that is numbered anew are known from before (RFC 9051 section 2.3.1.1).

UIDs of another epoch mean nothing. What stays is the mail: when it was received, its size, its bytes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Former:
    """A delivery whose place is no longer true. ``sha256`` of its raw mail is empty when that was too large to keep."""

    id: UUID
    received: datetime
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail as the server lists it now."""

    uid: int
    received: datetime
    size: int


def alike(seen: Iterable[Seen], formers: Iterable[Former]) -> dict[int, Former]:
    """
    Return, by UID, the former delivery that a mail seems to be: the only one, and it the only mail, of date and size.

    Date and size alone prove nothing: the Message-ID has to confirm it. Where several are alike their bytes must tell.
    """
    there: dict[tuple[datetime, int], list[int]] = defaultdict(list)
    for mail in seen:
        there[mail.received, mail.size].append(mail.uid)
    known: dict[tuple[datetime, int], list[Former]] = defaultdict(list)
    for former in formers:
        known[former.received, former.size].append(former)
    return {
        uids[0]: known[key][0]
        for key, uids in there.items()
        if len(uids) == len(known[key]) == 1 and known[key][0].sha256
    }


def unstored(seen: Iterable[Seen], formers: Iterable[Former]) -> dict[int, UUID]:
    """Return, by UID, the former delivery of mails whose bytes were never stored: date and size, in order, must do."""
    known: dict[tuple[datetime, int], list[UUID]] = defaultdict(list)
    for former in formers:
        if not former.sha256:
            known[former.received, former.size].append(former.id)
    return {
        mail.uid: known[mail.received, mail.size].pop(0)
        for mail in sorted(seen, key=lambda one: one.uid)
        if known[mail.received, mail.size]
    }


def repeated(there: Former, *, received: datetime | None, size: int, sha256: str) -> bool:
    """
    Return whether a mail is the one that is known at its place and comes once more: its bytes are the same.

    Where the bytes of one of the two were too many to be kept, date and size must do. ``received`` is None where no
    server says it (POP3), ``sha256`` is empty where the headers alone have come.
    """
    if there.sha256 and sha256:
        return there.sha256 == sha256
    return there.size == size and received in (None, there.received)


def equal(contents: Mapping[int, str], formers: Sequence[Former]) -> dict[int, UUID]:
    """
    Return, by UID, the former delivery with the same bytes; ``contents`` has the SHA-256 of each mail by UID.

    Several equal mails are matched in order, so as many of them are known as there were before and no more.
    """
    known: dict[str, list[UUID]] = defaultdict(list)
    for former in formers:
        if former.sha256:
            known[former.sha256].append(former.id)
    return {uid: known[contents[uid]].pop(0) for uid in sorted(contents) if known[contents[uid]]}
