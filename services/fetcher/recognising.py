"""
Mails that are known from before their folder was numbered anew or renamed: they keep their delivery, at a new place.

Nothing is decided twice, nothing is skipped: a mail is known only when its Message-ID confirms what date and size say,
or, where it is handed over (:mod:`services.fetcher.telling_apart`), when its bytes are the same.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from services.domain.renumbering import Seen, alike, unstored
from services.fetcher import cursor, former_places
from services.fetcher.answers import bodies
from services.fetcher.deliveries import Database
from services.fetcher.fetch import BATCH_MAILS, Reader
from services.fetcher.handover import Blobs
from services.fetcher.position import Position
from services.mime import parse_headers

HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Recognised:
    """UIDs of mails that are known and have their places now, and of those whose Message-ID must be told first."""

    known: frozenset[int]
    doubtful: frozenset[int]


def recognise(
    database: Database,
    blobs: Blobs,
    mailbox: str,
    *,
    fence: int,
    at: Position,
    seen: Sequence[Seen],
    named: Mapping[int, str],
) -> Recognised:
    """
    Move the deliveries of mails that date, size and Message-ID tell; ``named`` are the Message-IDs by UID.

    ``seen`` are all mails of a window, each time: what is alike must be alone. A crash after it finds them at their new
    places. Raises ``FenceLost``.
    """
    there = former_places.placed(database, mailbox, at, [mail.uid for mail in seen])
    left = [mail for mail in seen if mail.uid not in there]
    formers = former_places.received_at(database, mailbox, at, [mail.received for mail in left])
    pairs = alike(left, formers)
    confirmed = {
        uid: pair.id for uid, pair in pairs.items() if uid in named and named[uid] == _message_id(blobs, pair.sha256)
    }
    known = {**unstored(left, formers), **confirmed}
    if known:
        with database.transaction() as connection:
            cursor.hold(connection, mailbox, fence)
            former_places.move(connection, at, known)
    return Recognised(there | known.keys(), frozenset(pairs.keys() - known.keys() - named.keys()))


def message_ids(reader: Reader, uids: Collection[int]) -> Iterator[tuple[int, str]]:
    """Yield the Message-IDs of mails as the server has them, by UID, without those that have none."""
    ordered = sorted(uids)
    for first in range(0, len(ordered), BATCH_MAILS):
        some = ",".join(map(str, ordered[first : first + BATCH_MAILS]))
        heads = bodies(reader.fetch(some, "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"))
        for uid, head in heads.items():
            named = parse_headers(head).message_id
            if uid in uids and named is not None:
                yield uid, named


def _message_id(blobs: Blobs, sha256: str) -> str | None:
    # A raw mail that is gone confirms nothing; its hash, which is kept, does.
    with suppress(OSError), blobs.path(sha256).open("rb") as raw:
        return parse_headers(raw.read(HEAD)).message_id
    return None
