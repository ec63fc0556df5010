"""The ledger of a mailbox, kept at the endpoint."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from services.domain.decide import KEYWORD
from services.fetcher.deliveries import Passed
from services.fetcher.endpoint import forms
from services.fetcher.endpoint.uploads import LENGTH_BYTES
from services.fetcher.fetch import BATCH_BYTES, BATCH_MAILS, HEADER_LIMIT, PIECE
from services.fetcher.handover import Arrival, Blobs, Content, HeadersOnly, Stored
from services.fetcher.position import Position
from services.router.client import Client

MOST_WORDS = 1000


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """A mail on its way to the endpoint: in memory, or in a file that goes once it is handed in."""

    form: forms.MailForm
    content: bytes | Path

    def pieces(self) -> Iterator[bytes]:
        if isinstance(self.content, bytes):
            yield self.content
            return
        with self.content.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


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

    def position(self, folder_id: str) -> Position | None:
        """See the protocol."""
        found = self.client.ask(self.mailbox, "position", forms.Folder(folder_id=folder_id))["position"]
        return None if found is None else forms.PositionForm.model_validate(found).position()

    def advance(self, to: Position) -> None:
        """See the protocol."""
        self.client.ask(self.mailbox, "advance", forms.Advance(fence=self.fence, to=forms.PositionForm.of(to)))

    def hand_over(self, arrivals: Sequence[Arrival], to: Position | None) -> None:
        """See the protocol. The cursor moves with the last part of what is too much for one upload."""
        parts = list(_parts([self._outgoing(arrival) for arrival in arrivals]))
        if not parts and to is not None:
            self.advance(to)
        for number, part in enumerate(parts, start=1):
            after = forms.PositionForm.of(to) if to is not None and number == len(parts) else None
            self._upload(forms.Upload(fence=self.fence, to=after, mails=tuple(one.form for one in part)), part)

    def pass_over(self, mails: Sequence[Passed]) -> None:
        """See the protocol."""
        for first in range(0, len(mails), forms.MOST_IDS):
            some = tuple(
                forms.PassedForm(
                    folder_id=m.folder_id, uidvalidity=m.uidvalidity, uid=m.uid, uidl=m.uidl, received=m.received
                )
                for m in mails[first : first + forms.MOST_IDS]
            )
            self.client.ask(self.mailbox, "passed", forms.PassOver(mails=some))

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

    def _upload(self, head: forms.Upload, part: Sequence[_Outgoing]) -> None:
        text = head.model_dump_json().encode()

        def pieces() -> Iterator[bytes]:
            yield len(text).to_bytes(LENGTH_BYTES, "big") + text
            for one in part:
                yield from one.pieces()

        length = LENGTH_BYTES + len(text) + sum(one.form.length for one in part)
        self.client.upload(self.mailbox, pieces(), length)
        for one in part:
            if isinstance(one.content, Path):
                one.content.unlink(missing_ok=True)

    def _outgoing(self, arrival: Arrival) -> _Outgoing:
        """Return a mail as it goes out; of one that has turned out to be too large the beginning alone."""
        content: bytes | Path
        match arrival.content:
            case Content(raw):
                content, length, digest = raw, len(raw), ""
            case HeadersOnly(raw):
                content, length, digest = raw, len(raw), ""
            case Stored(digest):
                content = self.blobs.path(digest)
                length = content.stat().st_size
        short = isinstance(arrival.content, HeadersOnly) or length > self.limit
        if short:
            content = _beginning(content)
            length, digest = len(content), ""
        if isinstance(content, bytes):
            digest = sha256(content).hexdigest()
        return _Outgoing(_form(arrival, length, digest, short=short), content)


def _form(arrival: Arrival, length: int, digest: str, *, short: bool) -> forms.MailForm:
    return forms.MailForm.model_validate({
        "folder_id": arrival.folder_id, "folder": arrival.folder, "folder_role": arrival.folder_role,
        "uidvalidity": arrival.uidvalidity, "uid": arrival.uid, "uidl": arrival.uidl, "source": arrival.source,
        "internal_date": arrival.internal_date, "size": arrival.size, "length": length, "sha256": digest,
        "headers_only": short, "flagged": arrival.tracked_by == KEYWORD,
    })  # fmt: skip


def _beginning(content: bytes | Path) -> bytes:
    if isinstance(content, bytes):
        return content[:HEADER_LIMIT]
    with content.open("rb") as file:
        return file.read(HEADER_LIMIT)


def _parts(mails: Sequence[_Outgoing]) -> Iterator[list[_Outgoing]]:
    """Yield the mails in parts that one upload may hold."""
    part: list[_Outgoing] = []
    size = 0
    for mail in mails:
        if part and (len(part) == BATCH_MAILS or size + mail.form.length > BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(mail)
        size += mail.form.length
    if part:
        yield part


def _asked(ids: Sequence[UUID]) -> Iterator[forms.Asked]:
    for first in range(0, len(ids), forms.MOST_IDS):
        yield forms.Asked(ids=tuple(ids[first : first + forms.MOST_IDS]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A :class:`services.fetcher.ledger.Outside` for one check; ``blobs`` is a room that is gone after it."""

    client: Client
    blobs: Blobs
    now: Callable[[], datetime]
    limit: int

    def ledger(self, mailbox: str, fence: int) -> RemoteLedger:
        """Return the ledger of a mailbox that is held under this fencing number."""
        return RemoteLedger(client=self.client, blobs=self.blobs, mailbox=mailbox, fence=fence, limit=self.limit)
