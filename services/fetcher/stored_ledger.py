"""The ledger of a mailbox in PostgreSQL, blob store and Kafka: the fetcher's own, and the endpoint's for a router."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from services.domain.forgetting import FolderAbsences
from services.domain.renumbering import Seen
from services.fetcher import cursor, deliveries, flagged_rows, folder_rows, known_folders, opening, recognising
from services.fetcher.deliveries import Database, Passed
from services.fetcher.folder_rows import Known
from services.fetcher.handover import Arrival, Blobs, Send, hand_over
from services.fetcher.position import Position
from services.fetcher.recognising import Recognised
from services.fetcher.telling_apart import apart
from services.fetcher.unwrapping import unwrap


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLedger:
    """
    The ledger in PostgreSQL, blob store and Kafka; with ``collects`` what is handed over is unwrapped.

    With ``repeats`` the same mails may be handed over more than once, since whoever does had no answer. ``before`` is
    what was known of the folders when the mailbox was claimed, for whoever opens each of them once.
    """

    database: Database
    blobs: Blobs
    send: Send
    now: Callable[[], datetime]
    mailbox: str
    fence: int
    collects: bool = False
    repeats: bool = False
    before: Known | None = None

    def known(self) -> Known:
        """See :class:`services.fetcher.ledger.Ledger`, as for all that follows."""
        return folder_rows.read(self.database, self.mailbox)

    def know_as(self, asked: str, mailbox_id: str) -> None:
        """See the protocol."""
        known_folders.know_as(self.database, self.mailbox, self.fence, asked, mailbox_id)

    def forget(self, absences: FolderAbsences) -> None:
        """See the protocol."""
        known_folders.forget(self.database, self.mailbox, self.fence, absences, self.now())

    def position(self, folder_id: str) -> Position | None:
        """See the protocol."""
        return cursor.position(self.database, self.mailbox, folder_id)

    def opened(self, at: Position, names: Collection[str] | None) -> Position:
        """See the protocol."""
        before = self.position(at.folder_id) if self.before is None else self.before.cursors.get(at.folder_id)
        return opening.opened(self.database, self.mailbox, self.fence, at, names=names, before=before)

    def recognise(self, at: Position, seen: Sequence[Seen], named: Mapping[int, str]) -> Recognised:
        """See the protocol."""
        return recognising.recognise(
            self.database, self.blobs, self.mailbox, fence=self.fence, at=at, seen=seen, named=named
        )

    def advance(self, to: Position) -> None:
        """See the protocol."""
        cursor.advance(self.database, self.mailbox, self.fence, (), to)

    def hand_over(self, arrivals: Sequence[Arrival], to: Position | None) -> int:
        """See the protocol."""
        new, moves = arrivals, None
        if self.repeats or (to is not None and to.renumbered):
            found = apart(self.database, self.mailbox, arrivals, to or self._at(arrivals))
            new, moves = found.new, found.moves
        commit = (
            partial(cursor.taken, self.database, self.mailbox, self.fence, moves=moves)
            if to is None
            else partial(cursor.advance, self.database, self.mailbox, self.fence, to=to, moves=moves)
        )
        hand_over(self._unwrapped(new), blobs=self.blobs, send=self.send, commit=commit, now=self.now())
        return len(new)

    def untracked(self, at: Position, uids: Sequence[int]) -> list[int]:
        """See the protocol."""
        there = flagged_rows.at_places(self.database, self.mailbox, at, uids)
        return [uid for uid in uids if uid not in there or not there[uid].tracked_by]

    def hand_over_tracked(self, arrivals: Sequence[Arrival], at: Position) -> int:
        """See the protocol."""
        there = flagged_rows.at_places(self.database, self.mailbox, at, [a.uid for a in arrivals if a.uid is not None])
        # Nobody keeps track of the epochs of a folder that is not read: whatever is flagged there may be known.
        anew = replace(at, uid=0, renumbered=at.uidnext)
        found = apart(self.database, self.mailbox, [a for a in arrivals if a.uid not in there], anew)
        places = found.moves.places
        known = {**places, **{uid: one.id for uid, one in there.items()}}
        tracked = flagged_rows.tracked(self.database, list(known.values()))
        before = {uid: id_ for uid, id_ in known.items() if id_ not in tracked}
        handed = found.new + [replace(a, id=before[a.uid]) for a in arrivals if a.uid is not None and a.uid in before]
        commit = partial(flagged_rows.take, self.database, self.mailbox, self.fence, at=at, places=places)
        hand_over(self._unwrapped(handed), blobs=self.blobs, send=self.send, commit=commit, now=self.now())
        return len(handed)

    def looked(self, folder_id: str, at: tuple[int, int]) -> None:
        """See the protocol."""
        flagged_rows.look(self.database, self.mailbox, self.fence, folder_id, at)

    def vacate(self, at: Position) -> None:
        """See the protocol."""
        cursor.vacate(self.database, self.mailbox, self.fence, at)

    def pass_over(self, mails: Sequence[Passed]) -> None:
        """See the protocol. Needs no fence: a mail that is too old is so for everybody."""
        deliveries.pass_over(self.database, mails)

    def handled(self, ids: Sequence[UUID]) -> frozenset[UUID]:
        """See the protocol."""
        return deliveries.handled(self.database, ids, [self.mailbox])

    def stored(self, ids: Sequence[UUID]) -> dict[UUID, str]:
        """See the protocol."""
        return deliveries.stored(self.database, self.mailbox, ids)

    def folder_failed(self, folder: str, error: str) -> None:
        """See the protocol."""
        cursor.folder_failed(self.database, self.mailbox, self.fence, folder, error)

    def folder_mended(self, folder: str) -> None:
        """See the protocol."""
        cursor.folder_mended(self.database, self.mailbox, self.fence, folder)

    def _at(self, arrivals: Sequence[Arrival]) -> Position | None:
        """Return the cursor of the folder that mails lie in, or its start; None where they have no UIDs."""
        if not arrivals or arrivals[0].uidvalidity is None:
            return None
        one, epoch = arrivals[0], arrivals[0].uidvalidity
        at = self.position(one.folder_id)
        if at is not None and at.uidvalidity == epoch:
            return at
        return Position(folder_id=one.folder_id, folder=one.folder, uidvalidity=epoch, uid=0, uidnext=0)

    def _unwrapped(self, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
        """Return the messages in the mails of a forward mailbox; the mails themselves are durable then."""
        return unwrap(arrivals, self.blobs) if self.collects else arrivals
