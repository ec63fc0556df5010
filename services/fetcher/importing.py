"""
Import: mail from files, by the same hand-over as mail from servers.

Batches of 100. An import that was killed goes on when it is run again: the ids depend on the content alone, so
what is written already is counted as known and not sent again.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.domain.addresses import normalise
from services.domain.identity import delivery_id_import, identity
from services.domain.message import Message, ParseOutcome
from services.fetcher import sources
from services.fetcher.cursorless import take_new
from services.fetcher.fetch import BATCH_BYTES, BATCH_MAILS, HEADER_LIMIT
from services.fetcher.folders import role
from services.fetcher.handover import Arrival, Content, HeadersOnly, Stored
from services.fetcher.polling import Ports
from services.fetcher.spooling import spool_file


@dataclass(slots=True)
class ImportReport:
    """
    What became of the mails of a source.

    ``failures`` names files that could not be read, with the reason; ``damaged`` names new mails of which not
    everything could be read, by their id; they are kept whole all the same.
    """

    new: int = 0
    known: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def import_path(
    ports: Ports,
    path: Path,
    *,
    mailbox: str,
    folder: str,
    limit: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ImportReport:
    """
    Hand over every mail of a file, folder, mbox or Maildir as found in ``folder`` of ``mailbox``.

    ``limit`` is the size of the largest mail taken whole, ``progress`` is told (done, total) after each batch.
    A ``Retry`` of a store ends the import; running it again goes on.
    """
    report = ImportReport()
    total = sources.count(path)
    batch: list[Arrival] = []
    size = 0
    found = sources.mails(path)
    for arrival in _arrivals(ports, found, report, mailbox=normalise(mailbox), folder=folder, limit=limit):
        batch.append(arrival)
        size += len(arrival.content.raw) if isinstance(arrival.content, Content) else 0
        if len(batch) == BATCH_MAILS or size > BATCH_BYTES:
            _flush(ports, batch, report)
            progress(report.new + report.known + report.failed, total)
            batch, size = [], 0
    if batch:
        _flush(ports, batch, report)
    progress(report.new + report.known + report.failed, total)
    return report


def _flush(ports: Ports, batch: list[Arrival], report: ImportReport) -> None:
    taken = take_new(ports, batch)
    report.damaged.extend(filter(None, map(_damage, taken.messages)))
    report.known += taken.known
    report.new += len(batch) - taken.known


def _damage(message: Message) -> str | None:
    """Say what of a mail could not be read, or None; names it by the id under which it can be explained."""
    missing = [name for name, there in (("sender", message.from_), ("date", message.date)) if not there]
    whole = message.outcome in (ParseOutcome.FULL, ParseOutcome.FALLBACK, ParseOutcome.TOO_LARGE)
    if whole and message.from_:
        return None
    what = "no header can be read" if message.outcome == ParseOutcome.UNREADABLE else f"no {' and no '.join(missing)}"
    return f"<{identity(message).message_id}>: {what if missing else 'only the headers can be read'}"


def _arrivals(
    ports: Ports, source: Iterator[sources.Found], report: ImportReport, *, mailbox: str, folder: str, limit: int
) -> Iterator[Arrival]:
    equal: Counter[int] = Counter()
    for found in source:
        match found:
            case sources.Unreadable(file, reason):
                report.failed += 1
                report.failures.append(f"{file}: {reason}")
                continue
            case sources.Whole(content, received):
                sha, size = hashlib.sha256(content).hexdigest(), len(content)
                what: Content | Stored | HeadersOnly = Content(content)
            case sources.OnDisk(file, size, received):
                try:
                    sha, what = _large(ports, file, size, limit)
                except OSError as error:
                    report.failed += 1
                    report.failures.append(f"{file}: {error.strerror or type(error).__name__}")
                    continue
        # Half of the hash is enough to count by, and keeps a million mails below 100 MB.
        mark = int(sha[:16], 16)
        ordinal, equal[mark] = equal[mark], equal[mark] + 1
        yield Arrival(
            id=delivery_id_import(mailbox, folder, sha, ordinal),
            source="import",
            mailbox=mailbox,
            folder_id=folder,
            folder=folder,
            folder_role=role(folder, ()),
            uidvalidity=None,
            uid=None,
            internal_date=received,
            size=size,
            content=what,
            backfill=True,
        )


def _large(ports: Ports, file: Path, size: int, limit: int) -> tuple[str, Content | Stored | HeadersOnly]:
    with file.open("rb") as stream:
        if size > limit:
            head = stream.read(HEADER_LIMIT)
            stream.seek(0)
            return hashlib.file_digest(stream, "sha256").hexdigest(), HeadersOnly(head)
        spooled = spool_file(stream, ports.blobs.writer)
        return spooled.sha256, spooled.content
