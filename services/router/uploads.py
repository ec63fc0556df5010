"""Mails on their way out to the endpoint, in parts that one upload may hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from services.fetcher.endpoint import forms
from services.fetcher.endpoint.uploads import LENGTH_BYTES
from services.fetcher.fetch import BATCH_BYTES, BATCH_MAILS, HEADER_LIMIT, PIECE
from services.fetcher.handover import Arrival, Blobs, Content, HeadersOnly, Stored


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail on its way to the endpoint: in memory, or in a file that goes once it is handed in."""

    form: forms.MailForm
    content: bytes | Path

    def pieces(self) -> Iterator[bytes]:
        """Yield its bytes."""
        if isinstance(self.content, bytes):
            yield self.content
            return
        with self.content.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def done(self) -> None:
        """Let it go."""
        if isinstance(self.content, Path):
            self.content.unlink(missing_ok=True)


def outgoing(arrival: Arrival, blobs: Blobs, limit: int) -> Outgoing:
    """Return a mail as it goes out; of one that has turned out to be too large the beginning alone."""
    content: bytes | Path
    match arrival.content:
        case Content(raw):
            content, length, digest = raw, len(raw), ""
        case HeadersOnly(raw):
            content, length, digest = raw, len(raw), ""
        case Stored(digest):
            content = blobs.path(digest)
            length = content.stat().st_size
    short = isinstance(arrival.content, HeadersOnly) or length > limit
    if short:
        content = _beginning(content)
        length, digest = len(content), ""
    if isinstance(content, bytes):
        digest = sha256(content).hexdigest()
    return Outgoing(_form(arrival, length, digest, short=short), content)


def parts(mails: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    """Yield the mails in parts that one upload may hold."""
    part: list[Outgoing] = []
    size = 0
    for mail in mails:
        if part and (len(part) == BATCH_MAILS or size + mail.form.length > BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(mail)
        size += mail.form.length
    if part:
        yield part


def upload(head: forms.Upload, part: Sequence[Outgoing]) -> tuple[Iterator[bytes], int]:
    """Return what goes over the wire, in pieces, and its length."""
    text = head.model_dump_json().encode()

    def pieces() -> Iterator[bytes]:
        yield len(text).to_bytes(LENGTH_BYTES, "big") + text
        for one in part:
            yield from one.pieces()

    return pieces(), LENGTH_BYTES + len(text) + sum(one.form.length for one in part)


def _form(arrival: Arrival, length: int, digest: str, *, short: bool) -> forms.MailForm:
    return forms.MailForm.model_validate({
        "folder_id": arrival.folder_id, "folder": arrival.folder, "folder_role": arrival.folder_role,
        "uidvalidity": arrival.uidvalidity, "uid": arrival.uid, "uidl": arrival.uidl, "source": arrival.source,
        "internal_date": arrival.internal_date, "size": arrival.size, "length": length, "sha256": digest,
        "headers_only": short, "tracked_by": arrival.tracked_by,
    })  # fmt: skip


def _beginning(content: bytes | Path) -> bytes:
    if isinstance(content, bytes):
        return content[:HEADER_LIMIT]
    with content.open("rb") as file:
        return file.read(HEADER_LIMIT)
