"""
What is known of a mailbox that is being read, and where its mails are handed over: in the stores, or at a router.

Both ways keep the same promises, and one suite of tests holds them to it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import UUID

from services.domain.renumbering import Seen
from services.fetcher import cursor, deliveries, folder_rows, opening, recognising
from services.fetcher.deliveries import Database, Passed
from services.fetcher.handover import Arrival, Blobs, Send, hand_over
from services.fetcher.position import Position
from services.fetcher.recognising import Recognised
from services.fetcher.telling_apart import Apart, apart
from services.fetcher.unwrapping import unwrap


class Ledger(Protocol):
    """
    One mailbox under one fencing number.

    Whatever writes raises ``FenceLost`` and writes nothing once another has claimed the mailbox.
    """

    def position(self, folder_id: str) -> Position | None:
        """Return the cursor of a folder, or None before its first check."""

    def opened(self, at: Position, names: Collection[str] | None) -> Position:
        """Return where to read on in a folder that was opened; see :func:`services.fetcher.opening.opened`."""

    def recognise(self, at: Position, seen: Sequence[Seen], named: Mapping[int, str]) -> Recognised:
        """Return which mails are known from before; see :func:`services.fetcher.recognising.recognise`."""

    def advance(self, to: Position) -> None:
        """Move a cursor over UIDs that hold no mail to be taken."""

    def hand_over(self, arrivals: Sequence[Arrival], to: Position | None) -> int:
        """
        Hand mails over, all or none, and move the cursor over them; ``to`` is None where the rows are the cursor.

        On return all of them are durable, and it is said how many were new: below ``to.renumbered`` a mail may be known
        by its bytes, and keeps its delivery. Whatever is raised, the cursor has not moved and the same call may be made
        again.
        """

    def pass_over(self, mails: Sequence[Passed]) -> None:
        """Note mails that are not taken; what is noted already stays as it is."""

    def handled(self, ids: Sequence[UUID]) -> Collection[UUID]:
        """Return those deliveries that are written already, as taken or as passed over."""

    def stored(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """Return the SHA-256 (hex) of the raw mail of those deliveries whose raw mail is stored."""

    def folder_failed(self, folder: str, error: str) -> None:
        """Note why a folder could not be read."""

    def folder_mended(self, folder: str) -> None:
        """Take back that a folder without a cursor could not be read."""


class Outside(Protocol):
    """What a check needs besides the connection to the mail server; :class:`polling.Ports` is the fetcher's own."""

    @property
    def blobs(self) -> Blobs:
        """Where a large mail goes as it comes."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock."""

    def ledger(self, mailbox: str, fence: int) -> Ledger:
        """Return the ledger of a mailbox that is held under this fencing number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLedger:
    """
    The ledger in PostgreSQL, blob store and Kafka; with ``collects`` what is handed over is unwrapped.

    With ``repeats`` the same mails may be handed over more than once, since whoever does had no answer. ``known`` is
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
    known: folder_rows.Known | None = None

    def position(self, folder_id: str) -> Position | None:
        """See :class:`Ledger`."""
        return cursor.position(self.database, self.mailbox, folder_id)

    def opened(self, at: Position, names: Collection[str] | None) -> Position:
        """See :class:`Ledger`."""
        before = self.position(at.folder_id) if self.known is None else self.known.cursors.get(at.folder_id)
        return opening.opened(self.database, self.mailbox, self.fence, at, names=names, before=before)

    def recognise(self, at: Position, seen: Sequence[Seen], named: Mapping[int, str]) -> Recognised:
        """See :class:`Ledger`."""
        return recognising.recognise(
            self.database, self.blobs, self.mailbox, fence=self.fence, at=at, seen=seen, named=named
        )

    def advance(self, to: Position) -> None:
        """See :class:`Ledger`."""
        cursor.advance(self.database, self.mailbox, self.fence, (), to)

    def hand_over(self, arrivals: Sequence[Arrival], to: Position | None) -> int:
        """See :class:`Ledger`."""
        new, moves = arrivals, None
        if self.repeats or (to is not None and to.renumbered):
            found = self.apart(arrivals, to or self._at(arrivals))
            new, moves = found.new, found.moves
        commit = (
            partial(cursor.taken, self.database, self.mailbox, self.fence, moves=moves)
            if to is None
            else partial(cursor.advance, self.database, self.mailbox, self.fence, to=to, moves=moves)
        )
        hand_over(self.unwrapped(new), blobs=self.blobs, send=self.send, commit=commit, now=self.now())
        return len(new)

    def apart(self, arrivals: Sequence[Arrival], at: Position | None) -> Apart:
        """Tell mails that are known from those that are new; see :func:`services.fetcher.telling_apart.apart`."""
        return apart(self.database, self.mailbox, arrivals, at)

    def _at(self, arrivals: Sequence[Arrival]) -> Position | None:
        """Return the cursor of the folder that mails lie in, or its start; None where they have no UIDs."""
        if not arrivals or arrivals[0].uidvalidity is None:
            return None
        one, epoch = arrivals[0], arrivals[0].uidvalidity
        at = self.position(one.folder_id)
        if at is not None and at.uidvalidity == epoch:
            return at
        return Position(folder_id=one.folder_id, folder=one.folder, uidvalidity=epoch, uid=0, uidnext=0)

    def unwrapped(self, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
        """Return the messages in the mails of a forward mailbox; the mails themselves are durable then."""
        return unwrap(arrivals, self.blobs) if self.collects else arrivals

    def pass_over(self, mails: Sequence[Passed]) -> None:
        """See :class:`Ledger`. Needs no fence: a mail that is too old is so for everybody."""
        deliveries.pass_over(self.database, mails)

    def handled(self, ids: Sequence[UUID]) -> frozenset[UUID]:
        """See :class:`Ledger`."""
        return deliveries.handled(self.database, ids, [self.mailbox])

    def stored(self, ids: Sequence[UUID]) -> dict[UUID, str]:
        """See :class:`Ledger`."""
        return deliveries.stored(self.database, self.mailbox, ids)

    def folder_failed(self, folder: str, error: str) -> None:
        """See :class:`Ledger`."""
        cursor.folder_failed(self.database, self.mailbox, self.fence, folder, error)

    def folder_mended(self, folder: str) -> None:
        """See :class:`Ledger`."""
        cursor.folder_mended(self.database, self.mailbox, self.fence, folder)
