"""
Mails that are known from before their folder was numbered anew or renamed: they keep their delivery, at a new place.

Nothing is decided twice, nothing is skipped: a mail is known only when its Message-ID confirms what date and size say,
or when its bytes are the same. All others are handed over.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from services.domain.identity import delivery_id_imap, delivery_id_other
from services.domain.renumbering import Former, Seen, alike, equal, unstored
from services.fetcher import cursor, deliveries, former_places
from services.fetcher.answers import Listed, bodies
from services.fetcher.fetch import BATCH_MAILS, Large, Reader, Small, TooLarge
from services.fetcher.ledger import StoredLedger
from services.fetcher.position import Position
from services.mime import parse_headers

HEAD = 64 * 1024

Got = Small | Large | TooLarge


class Recognition:
    """What is asked of one folder; where no epoch has changed it knows nothing and asks nobody."""

    def __init__(self, reader: Reader, stores: StoredLedger) -> None:
        self._reader = reader
        self._database = stores.database
        self._blobs = stores.blobs
        self._mailbox = stores.mailbox
        self._fence = stores.fence

    def unknown(self, mails: Sequence[Listed], at: Position) -> list[Listed]:
        """
        Move the deliveries of mails that date, size and Message-ID tell, and return the other mails.

        A crash after it finds them at their new places.
        """
        if not at.recognises or not mails:
            return list(mails)
        there = former_places.placed(self._database, self._mailbox, at, [mail.uid for mail in mails])
        seen = [Seen(mail.uid, mail.internal_date, mail.size) for mail in mails if mail.uid not in there]
        formers = former_places.received_at(self._database, self._mailbox, at, [one.received for one in seen])
        known = {**unstored(seen, formers), **dict(self._confirmed(alike(seen, formers)))}
        if known:
            with self._database.transaction() as connection:
                cursor.hold(connection, self._mailbox, self._fence)
                former_places.move(connection, at, known)
        return [mail for mail in mails if mail.uid not in there and mail.uid not in known]

    def sorted(self, got: Sequence[Got], at: Position) -> tuple[list[Got], dict[int, UUID]]:
        """Return the mails that are new, and by UID the deliveries of those whose bytes are known."""
        if not at.recognises:
            return list(got), {}
        contents = {one.listed.uid: _hash(one) for one in got if not isinstance(one, TooLarge)}
        formers = former_places.with_content(self._database, self._mailbox, at, list(contents.values()))
        known = equal(contents, formers)
        return [one for one in got if one.listed.uid not in known], known

    def ids(self, got: Sequence[Got], at: Position) -> dict[int, UUID]:
        """Return the delivery ids of new mails by UID: never one that another mail had, in an epoch that came back."""
        ids = {
            one.listed.uid: delivery_id_imap(self._mailbox, at.folder_id, at.uidvalidity, one.listed.uid) for one in got
        }
        if not at.renumbered:
            return ids
        taken = deliveries.handled(self._database, list(ids.values()), [self._mailbox])
        return {
            one.listed.uid: delivery_id_other(ids[one.listed.uid], _hash(one)) if ids[one.listed.uid] in taken else id_
            for one, id_ in zip(got, ids.values(), strict=True)
        }

    def _confirmed(self, pairs: Mapping[int, Former]) -> Iterator[tuple[int, UUID]]:
        uids = sorted(pairs)
        for first in range(0, len(uids), BATCH_MAILS):
            some = ",".join(map(str, uids[first : first + BATCH_MAILS]))
            heads = bodies(self._reader.fetch(some, "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"))
            for uid, head in heads.items():
                named = parse_headers(head).message_id
                if uid in pairs and named is not None and named == self._message_id(pairs[uid].sha256):
                    yield uid, pairs[uid].id

    def _message_id(self, sha256: str) -> str | None:
        # A raw mail that is gone confirms nothing; its hash, which is kept, does.
        with suppress(OSError), self._blobs.path(sha256).open("rb") as raw:
            return parse_headers(raw.read(HEAD)).message_id
        return None


def _hash(one: Got) -> str:
    match one:
        case Small(_, content):
            return hashlib.sha256(content).hexdigest()
        case Large(_, sha256, _):
            return sha256
        case TooLarge(_, headers):
            return hashlib.sha256(headers).hexdigest()
