"""
What is known of a mailbox that is being read, and where its mails are handed over: in the stores, or at a router.

Both ways keep the same promises, and one suite of tests holds them to it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from services.fetcher import cursor, deliveries
from services.fetcher.deliveries import Database, Passed
from services.fetcher.handover import Arrival, Blobs, Send, hand_over
from services.fetcher.position import Position
from services.fetcher.unwrapping import unwrap

NOWHERE: Mapping[int, UUID] = MappingProxyType({})


class Ledger(Protocol):
    """
    One mailbox under one fencing number.

    Whatever writes raises ``FenceLost`` and writes nothing once another has claimed the mailbox.
    """

    def position(self, folder_id: str) -> Position | None:
        """Return the cursor of a folder, or None before its first check."""

    def advance(self, to: Position) -> None:
        """Move a cursor over UIDs that hold no mail to be taken."""

    def hand_over(self, arrivals: Sequence[Arrival], to: Position | None) -> None:
        """
        Hand mails over, all or none, and move the cursor over them; ``to`` is None where the rows are the cursor.

        On return all of them are durable. Whatever is raised, the cursor has not moved and the same call may be made
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
    """The ledger in PostgreSQL, blob store and Kafka; with ``collects`` what is handed over is unwrapped."""

    database: Database
    blobs: Blobs
    send: Send
    now: Callable[[], datetime]
    mailbox: str
    fence: int
    collects: bool = False

    def position(self, folder_id: str) -> Position | None:
        """See :class:`Ledger`."""
        return cursor.position(self.database, self.mailbox, folder_id)

    def advance(self, to: Position) -> None:
        """See :class:`Ledger`."""
        cursor.advance(self.database, self.mailbox, self.fence, (), to)

    def hand_over(
        self, arrivals: Sequence[Arrival], to: Position | None, *, places: Mapping[int, UUID] = NOWHERE
    ) -> None:
        """See :class:`Ledger`; ``places`` are the new UIDs of deliveries that are known from before."""
        commit = (
            partial(cursor.taken, self.database, self.mailbox, self.fence)
            if to is None
            else partial(cursor.advance, self.database, self.mailbox, self.fence, to=to, places=places)
        )
        hand_over(self.unwrapped(arrivals), blobs=self.blobs, send=self.send, commit=commit, now=self.now())

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
