"""Reads one folder from its cursor to its last mail."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from services.domain.decide import KEYWORD
from services.domain.identity import delivery_id_imap
from services.domain.start_date import is_before
from services.fetcher import cursor, deliveries, former_places, known_folders
from services.fetcher.answers import Listed
from services.fetcher.choosing import Place
from services.fetcher.deliveries import Database, Passed
from services.fetcher.fetch import Large, Small, TooLarge, batches, read, windows
from services.fetcher.folders import folder_id
from services.fetcher.handover import Arrival, Blobs, Content, HeadersOnly, Send, Stored, hand_over
from services.fetcher.imap import Connection
from services.fetcher.position import Position
from services.fetcher.recognising import Got, Recognition
from services.runtime import metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What it takes to read a mailbox under a fencing number; see :class:`services.fetcher.polling.Task`."""

    connection: Connection
    mailbox: str
    fence: int
    limit: int
    start: datetime | None
    go_on: Callable[[], bool]
    database: Database
    blobs: Blobs
    send: Send
    now: Callable[[], datetime]

    @property
    def recognition(self) -> Recognition:
        """What knows mails from before."""
        return Recognition(self.connection, self.database, self.blobs, mailbox=self.mailbox, fence=self.fence)

    def folder(self, place: Place, names: Collection[str]) -> Iterator[int]:
        """Read a folder; yield the number of mails of each batch that is handed over."""
        if self._nothing_new(place):
            return
        at = self._position(place, names)
        advance = partial(cursor.advance, self.database, self.mailbox, self.fence)
        known = self.recognition
        for window in windows(self.connection, at.uid, at.uidnext, self.now()):
            mails = known.unknown(window.mails, at)
            early = [mail for mail in mails if is_before(mail.internal_date, self.start)]
            if early:
                # Before the cursor moves over them, else verify would take them for lost.
                deliveries.pass_over(self.database, [self._passed(mail, at) for mail in early])
            wanted = [mail for mail in mails if not is_before(mail.internal_date, self.start)]
            groups = list(batches(wanted, limit=self.limit))
            for i, batch in enumerate(groups):
                if not self.go_on():
                    return
                with metrics.step("fetcher", "read"):
                    got = read(self.connection, batch, self.blobs.writer, limit=self.limit)
                new, places = known.sorted(got, at)
                ids = known.ids(new, at)
                # After its last mail a window is done to its end: what was not listed there is not in the folder.
                at = _moved(at, window.last if i + 1 == len(groups) else batch[-1].uid)
                self.hand_over(new, ids, place, at, partial(advance, to=at, places=places))
                yield len(new)
            if at.uid < window.last:
                at = _moved(at, window.last)
                advance((), at)

    def hand_over(
        self,
        got: Sequence[Got],
        ids: Mapping[int, UUID],
        place: Place,
        at: Position,
        commit: Callable[[list[deliveries.Delivery]], None],
    ) -> None:
        """Hand mails of a folder over; what flags them as tracked goes with them."""
        arrivals = [_arrival(one, ids[one.listed.uid], self.mailbox, place, at) for one in got]
        hand_over(arrivals, blobs=self.blobs, send=self.send, commit=commit, now=self.now())

    def _nothing_new(self, place: Place) -> bool:
        """Whether the listing already says that the cursor is at the end, so that the folder need not be opened."""
        status = place.folder.status if place.folder is not None else None
        if status is None:
            return False
        at = cursor.position(self.database, self.mailbox, folder_id(place.name, status.mailbox_id))
        return (
            at is not None
            and (at.folder, at.uidvalidity, at.last_error) == (place.name, status.uidvalidity, None)
            and at.uidnext == status.uidnext == at.uid + 1
        )

    def _position(self, place: Place, names: Collection[str]) -> Position:
        """
        Return where to read on.

        UIDs of another epoch mean other mails (RFC 9051 section 2.3.1.1), so a new epoch is read from its start; so is
        a folder that was renamed.
        """
        selected = self.connection.select(place.name)
        stable = folder_id(place.name, selected.mailbox_id)
        if selected.mailbox_id is not None:
            known_folders.know_as(self.database, self.mailbox, self.fence, place.asked, selected.mailbox_id)
        before = cursor.position(self.database, self.mailbox, stable)
        at = Position(
            folder_id=stable, folder=place.name, uidvalidity=selected.uidvalidity, uid=0, uidnext=selected.uidnext
        )
        if before is not None and before.uidvalidity == at.uidvalidity:
            at = replace(at, uid=before.uid, renumbered=before.renumbered, former_id=before.former_id)
            if at.folder != before.folder:
                cursor.rename(self.database, self.mailbox, self.fence, at)
            if at != before:
                cursor.advance(self.database, self.mailbox, self.fence, (), at)
            return at
        if before is not None and before.uidvalidity:
            at = replace(at, renumbered=at.uidnext, former_id=before.former_id)
        elif former := cursor.former(self.database, self.mailbox, at, names):
            at = replace(at, renumbered=at.uidnext, former_id=former)
        else:
            # Where people have flagged mail, some of it is known before the folder is first read.
            known = former_places.any_in(self.database, self.mailbox, stable)
            at = replace(at, renumbered=at.uidnext if known else 0)
            cursor.advance(self.database, self.mailbox, self.fence, (), at)
            return at
        log.info("a folder is numbered anew, or was renamed; known mails keep their deliveries")
        cursor.begin(self.database, self.mailbox, self.fence, at)
        return at

    def _passed(self, mail: Listed, at: Position) -> Passed:
        return Passed(
            id=delivery_id_imap(self.mailbox, at.folder_id, at.uidvalidity, mail.uid),
            mailbox=self.mailbox,
            folder_id=at.folder_id,
            uidvalidity=at.uidvalidity,
            uid=mail.uid,
            received=mail.internal_date,
        )


def _moved(at: Position, uid: int) -> Position:
    return replace(at, uid=max(at.uid, uid))


def _arrival(got: Got, id_: UUID, mailbox: str, place: Place, at: Position) -> Arrival:
    match got:
        case Small(_, content):
            what: Content | Stored | HeadersOnly = Content(content)
            size = len(content)
        case Large(_, sha256, size):
            what = Stored(sha256)
        case TooLarge(listed, headers):
            what, size = HeadersOnly(headers), listed.size
    return Arrival(
        id=id_,
        source="imap",
        mailbox=mailbox,
        folder_id=at.folder_id,
        folder=at.folder,
        folder_role=place.role,
        uidvalidity=at.uidvalidity,
        uid=got.listed.uid,
        internal_date=got.listed.internal_date,
        size=size,
        content=what,
        tracked_by=place.tracked_by or (KEYWORD if got.listed.flagged else ""),
    )
