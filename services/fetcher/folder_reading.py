"""Reads one folder from its cursor to its last mail."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from services.domain.decide import KEYWORD
from services.domain.identity import delivery_id_imap
from services.domain.renumbering import Seen
from services.domain.start_date import is_before
from services.fetcher.ahead import ahead
from services.fetcher.answers import Listed
from services.fetcher.choosing import Place
from services.fetcher.deliveries import Passed
from services.fetcher.fetch import Large, Small, TooLarge, batches, read, windows
from services.fetcher.folder_rows import Known
from services.fetcher.folders import folder_id
from services.fetcher.handover import Arrival, Blobs, Content, HeadersOnly, Stored
from services.fetcher.imap import Connection
from services.fetcher.ledger import Ledger
from services.fetcher.position import Position
from services.fetcher.recognising import message_ids
from services.runtime import metrics

Got = Small | Large | TooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """
    What it takes to read a mailbox under a fencing number; see :class:`services.fetcher.polling.Task`.

    ``known`` is what was known of its folders when it was claimed; each of them is read once in a check.
    """

    connection: Connection
    mailbox: str
    limit: int
    start: datetime | None
    go_on: Callable[[], bool]
    blobs: Blobs
    now: Callable[[], datetime]
    ledger: Ledger
    known: Known

    def folder(self, place: Place, names: Collection[str] | None) -> Iterator[int]:
        """Read a folder; yield the number of mails of each batch that is handed over."""
        if self._nothing_new(place):
            return
        at = self._position(place, names)
        for window in windows(self.connection, at.uid, at.uidnext, self.now()):
            mails = self._unknown(window.mails, at)
            early = [mail for mail in mails if is_before(mail.internal_date, self.start)]
            if early:
                # Before the cursor moves over them, else verify would take them for lost.
                self.ledger.pass_over([self._passed(mail, at) for mail in early])
            wanted = [mail for mail in mails if not is_before(mail.internal_date, self.start)]
            groups = list(batches(wanted, limit=self.limit))
            with ahead([partial(self._read, batch) for batch in groups]) as contents:
                for i, got in enumerate(contents):
                    if not self.go_on():
                        return
                    # After its last mail a window is done to its end: what was not listed there is not in the folder.
                    after = _moved(at, window.last if i + 1 == len(groups) else groups[i][-1].uid)
                    yield self.ledger.hand_over(self.arrivals(got, place, after), to=after)
                    at = after
            if at.uid < window.last:
                at = _moved(at, window.last)
                self.ledger.advance(at)

    def _read(self, batch: Sequence[Listed]) -> list[Got]:
        with metrics.step("fetcher", "read"):
            return read(self.connection, batch, self.blobs.writer, limit=self.limit)

    def arrivals(self, got: Sequence[Got], place: Place, at: Position) -> list[Arrival]:
        """Return mails of a folder as they are handed over, under the ids of their places."""
        return [_arrival(one, self.mailbox, place, at) for one in got]

    def _unknown(self, mails: Sequence[Listed], at: Position) -> list[Listed]:
        """Return the mails that are not known from before; the others have their new places then."""
        if not at.recognises or not mails:
            return list(mails)
        seen = [Seen(mail.uid, mail.internal_date, mail.size) for mail in mails]
        found = self.ledger.recognise(at, seen, {})
        known = found.known
        if found.doubtful:
            known |= self.ledger.recognise(at, seen, dict(message_ids(self.connection, found.doubtful))).known
        return [mail for mail in mails if mail.uid not in known]

    def _nothing_new(self, place: Place) -> bool:
        """Whether the listing already says that the cursor is at the end, so that the folder need not be opened."""
        status = place.folder.status if place.folder is not None else None
        if status is None:
            return False
        at = self.known.cursors.get(folder_id(place.name, status.mailbox_id))
        return (
            at is not None
            and (at.folder, at.uidvalidity, at.last_error) == (place.name, status.uidvalidity, None)
            and at.uidnext == status.uidnext == at.uid + 1
        )

    def _position(self, place: Place, names: Collection[str] | None) -> Position:
        """Open a folder and return where to read on."""
        selected = self.connection.select(place.name)
        stable = folder_id(place.name, selected.mailbox_id)
        if selected.mailbox_id not in (None, self.known.ids.get(place.asked)):
            self.ledger.know_as(place.asked, selected.mailbox_id)
        start = Position(
            folder_id=stable, folder=place.name, uidvalidity=selected.uidvalidity, uid=0, uidnext=selected.uidnext
        )
        return self.ledger.opened(start, names)

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


def _arrival(got: Got, mailbox: str, place: Place, at: Position) -> Arrival:
    match got:
        case Small(_, content):
            what: Content | Stored | HeadersOnly = Content(content)
            size = len(content)
        case Large(_, sha256, size):
            what = Stored(sha256)
        case TooLarge(listed, headers):
            what, size = HeadersOnly(headers), listed.size
    return Arrival(
        id=delivery_id_imap(mailbox, at.folder_id, at.uidvalidity, got.listed.uid),
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
