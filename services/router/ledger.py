"""The ledger of a mailbox, kept at the endpoint."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from services.domain.forgetting import FolderAbsences
from services.domain.renumbering import Seen
from services.fetcher.deliveries import Passed
from services.fetcher.endpoint import claims, folder_forms, forms
from services.fetcher.fetch import WINDOW
from services.fetcher.folder_rows import Known
from services.fetcher.handover import Arrival, Blobs
from services.fetcher.ledger import Ledger
from services.fetcher.position import Position
from services.fetcher.recognising import Recognised
from services.router.client import Client
from services.router.uploads import Outgoing, outgoing, parts, upload

MOST_WORDS = 1000
MOST_NAMED = 300  # a Message-ID may be as long as a line
MOST_WITH_FOLDER = 200  # the id of a folder may have 4,000 bytes, and a request has at most 1 MB
MOST_NAMES_BYTES = 500_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLedger:
    """
    A :class:`services.fetcher.ledger.Ledger`. Every call raises ``EndpointError`` when the endpoint has not done it.

    ``limit`` is the size of the largest mail that the endpoint takes whole.
    """

    client: Client
    blobs: Blobs
    mailbox: str
    fence: int
    limit: int

    def known(self) -> Known:
        """See the protocol."""
        found = self.client.ask(self.mailbox, "known", forms.Nothing())["known"]
        return claims.KnownForm.model_validate(found, strict=False).known()

    def know_as(self, asked: str, mailbox_id: str) -> None:
        """See the protocol."""
        self.client.ask(
            self.mailbox, "know-as", folder_forms.KnowAs(fence=self.fence, asked=asked, mailbox_id=mailbox_id)
        )

    def forget(self, absences: FolderAbsences) -> None:
        """See the protocol. What is too much for one request goes in several: the next look finds the rest."""
        for some in _pieces(folder_forms.absences_of(absences), MOST_WITH_FOLDER):
            self.client.ask(self.mailbox, "forget", folder_forms.Forget(fence=self.fence, absences=tuple(some)))

    def position(self, folder_id: str) -> Position | None:
        """See the protocol."""
        found = self.client.ask(self.mailbox, "position", forms.Folder(folder_id=folder_id))["position"]
        return None if found is None else forms.PositionForm.model_validate(found).position()

    def opened(self, at: Position, names: Collection[str] | None) -> Position:
        """See the protocol. Where a mailbox has folders without number, one that was renamed is read anew."""
        # A name that cannot be stored is that of no folder which was read.
        told = tuple(name for name in names or () if forms.is_text(name))
        few = len(told) <= folder_forms.MOST_NAMES and sum(len(name.encode()) for name in told) <= MOST_NAMES_BYTES
        form = folder_forms.Opened(
            fence=self.fence,
            folder_id=at.folder_id,
            folder=at.folder,
            uidvalidity=at.uidvalidity,
            uidnext=at.uidnext,
            names=told if few and names is not None else None,
        )
        found = self.client.ask(self.mailbox, "opened", form)["position"]
        return forms.PositionForm.model_validate(found).position()

    def recognise(self, at: Position, seen: Sequence[Seen], named: Mapping[int, str]) -> Recognised:
        """See the protocol."""
        found, where = [Recognised(frozenset(), frozenset())], forms.PositionForm.of(at)
        for some in _pieces(seen, WINDOW):
            mails = tuple(folder_forms.SeenForm(uid=one.uid, received=one.received, size=one.size) for one in some)
            told = [
                folder_forms.NamedForm(uid=one.uid, message_id=named[one.uid])
                for one in some
                if forms.is_text(named.get(one.uid, ""))
            ]
            for names in list(_pieces(told, MOST_NAMED)) or [()]:
                form = folder_forms.Recognise(fence=self.fence, at=where, seen=mails, named=tuple(names))
                said = self.client.ask(self.mailbox, "recognise", form)
                found.append(Recognised(frozenset(said["known"]), frozenset(said["doubtful"])))
        return Recognised(
            frozenset().union(*(one.known for one in found)), frozenset().union(*(one.doubtful for one in found))
        )

    def advance(self, to: Position) -> None:
        """See the protocol."""
        self.client.ask(self.mailbox, "advance", forms.Advance(fence=self.fence, to=forms.PositionForm.of(to)))

    def hand_over(self, arrivals: Sequence[Arrival], to: Position | None) -> int:
        """See the protocol. The cursor moves with the last part of what is too much for one upload."""
        several = self._parts(arrivals)
        if not several and to is not None:
            self.advance(to)
        taken = 0
        for number, part in enumerate(several, start=1):
            after = forms.PositionForm.of(to) if to is not None and number == len(several) else None
            taken += self._upload(forms.Upload(fence=self.fence, to=after, mails=tuple(o.form for o in part)), part)
        return taken

    def untracked(self, at: Position, uids: Sequence[int]) -> list[int]:
        """See the protocol."""
        where = forms.PositionForm.of(at)
        asked = (folder_forms.Untracked(at=where, uids=tuple(some)) for some in _pieces(uids, forms.MOST_IDS))
        return [uid for one in asked for uid in self.client.ask(self.mailbox, "untracked", one)["uids"]]

    def hand_over_tracked(self, arrivals: Sequence[Arrival], at: Position) -> int:
        """See the protocol. What is too much for one upload goes in several: what has no answer is asked for again."""
        where = forms.PositionForm.of(at)
        return sum(
            self._upload(
                forms.Upload(fence=self.fence, to=None, flagged_in=where, mails=tuple(one.form for one in part)), part
            )
            for part in self._parts(arrivals)
        )

    def looked(self, folder_id: str, at: tuple[int, int]) -> None:
        """See the protocol."""
        look = folder_forms.Looked(fence=self.fence, folder_id=folder_id, uidvalidity=at[0], modseq=at[1])
        self.client.ask(self.mailbox, "looked", look)

    def vacate(self, at: Position) -> None:
        """See the protocol."""
        self.client.ask(self.mailbox, "vacate", folder_forms.Vacate(fence=self.fence, at=forms.PositionForm.of(at)))

    def pass_over(self, mails: Sequence[Passed]) -> None:
        """See the protocol."""
        for some in _pieces(mails, MOST_WITH_FOLDER):
            given = tuple(
                forms.PassedForm(
                    folder_id=m.folder_id, uidvalidity=m.uidvalidity, uid=m.uid, uidl=m.uidl, received=m.received
                )
                for m in some
            )
            self.client.ask(self.mailbox, "passed", forms.PassOver(mails=given))

    def handled(self, ids: Sequence[UUID]) -> frozenset[UUID]:
        """See the protocol."""
        answers = [self.client.ask(self.mailbox, "handled", asked)["ids"] for asked in _asked(ids)]
        return frozenset(UUID(id_) for answer in answers for id_ in answer)

    def stored(self, ids: Sequence[UUID]) -> dict[UUID, str]:
        """See the protocol."""
        answers = [self.client.ask(self.mailbox, "stored", asked)["sha256"] for asked in _asked(ids)]
        return {UUID(id_): sha for answer in answers for id_, sha in answer.items()}

    def folder_failed(self, folder: str, error: str) -> None:
        """See the protocol."""
        state = forms.FolderState(fence=self.fence, folder=folder, error=error[:MOST_WORDS])
        self.client.ask(self.mailbox, "folder", state)

    def folder_mended(self, folder: str) -> None:
        """See the protocol."""
        self.client.ask(self.mailbox, "folder", forms.FolderState(fence=self.fence, folder=folder, error=None))

    def _parts(self, arrivals: Sequence[Arrival]) -> list[list[Outgoing]]:
        return list(parts([outgoing(arrival, self.blobs, self.limit) for arrival in arrivals]))

    def _upload(self, head: forms.Upload, part: Sequence[Outgoing]) -> int:
        taken = int(self.client.upload(self.mailbox, *upload(head, part))["taken"])
        for one in part:
            one.done()
        return taken


def _asked(ids: Sequence[UUID]) -> Iterator[forms.Asked]:
    for some in _pieces(ids, forms.MOST_IDS):
        yield forms.Asked(ids=tuple(some))


def _pieces(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for first in range(0, len(items), most):
        yield items[first : first + most]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A :class:`services.fetcher.ledger.Outside` for one check; ``blobs`` is a room that is gone after it."""

    client: Client
    blobs: Blobs
    now: Callable[[], datetime]
    limit: int

    def ledger(self, mailbox: str, fence: int, known: Known | None = None) -> Ledger:  # noqa: ARG002
        """See the protocol. The endpoint looks itself."""
        return RemoteLedger(client=self.client, blobs=self.blobs, mailbox=mailbox, fence=fence, limit=self.limit)
