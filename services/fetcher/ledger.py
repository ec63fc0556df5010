"""
What is known of a mailbox that is being read, and where its mails are handed over: in the stores, or at a router.

Both ways keep the same promises, and one suite of tests holds them to it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.domain.forgetting import FolderAbsences
from services.domain.renumbering import Seen
from services.fetcher.deliveries import Passed
from services.fetcher.folder_rows import Known
from services.fetcher.handover import Arrival, Blobs
from services.fetcher.position import Position
from services.fetcher.recognising import Recognised


class Ledger(Protocol):
    """
    One mailbox under one fencing number.

    Whatever writes raises ``FenceLost`` and writes nothing once another has claimed the mailbox.
    """

    def known(self) -> Known:
        """Return what is known of the folders now."""

    def know_as(self, asked: str, mailbox_id: str) -> None:
        """Note by which id (RFC 8474) a folder is known that the settings ask for."""

    def forget(self, absences: FolderAbsences) -> None:
        """Note which folders are gone and back, and forget those that were gone for 90 days; no delivery goes."""

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

    def untracked(self, at: Position, uids: Sequence[int]) -> Collection[int]:
        """Return those UIDs of a folder whose mails were not handed over as tracked, or not at all."""

    def hand_over_tracked(self, arrivals: Sequence[Arrival], at: Position) -> int:
        """
        Hand over, all or none, what people have flagged in a folder, and say how many that were.

        A mail that is known keeps its delivery, by its place or its bytes; one that is tracked already is left out. No
        cursor moves.
        """

    def looked(self, folder_id: str, at: tuple[int, int]) -> None:
        """Note UIDVALIDITY and HIGHESTMODSEQ of a look for what people have flagged."""

    def vacate(self, at: Position) -> None:
        """Take back the places of an epoch that has begun in a folder that has no cursor."""

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

    def ledger(self, mailbox: str, fence: int, known: Known | None = None) -> Ledger:
        """
        Return the ledger of a mailbox that is held under this fencing number.

        ``known`` is what was known of its folders at the claim, for whoever opens each of them once.
        """
