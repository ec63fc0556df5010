"""One check of a POP3 mailbox: everything whose unique id was not taken yet, and deleting what was, if wished."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from services.domain.identity import delivery_id_pop3
from services.domain.start_date import is_before
from services.fetcher import cursor, deliveries
from services.fetcher.deliveries import Passed
from services.fetcher.fetch import BATCH_BYTES, BATCH_MAILS, HEADER_LIMIT, STREAMED_ABOVE
from services.fetcher.handover import Arrival, Content, HeadersOnly, Stored, hand_over
from services.fetcher.polling import Ports, Progress, Task
from services.fetcher.pop3 import Connection
from services.mime import parse_headers
from services.runtime import metrics

INBOX = "INBOX"


def poll(connection: Connection, task: Task, ports: Ports, progress: Progress, *, delete: bool) -> None:
    """
    Hand over every mail that is new, in batches; ends early, between two batches, when ``go_on`` says so.

    The delivery rows are the cursor: an id that has one was handed over. With ``delete`` a mail is deleted once its
    row and its raw mail are stored; one that a crash left on the server goes at the next check, and one that was too
    large to be stored stays there. Identical copies may share a unique id (RFC 1939 section 7) and are one delivery.
    """
    listed = connection.listed()
    ids = {number: delivery_id_pop3(task.mailbox, uid) for number, (uid, _) in listed.items()}
    known = deliveries.handled(ports.database, list(ids.values()))
    new = {id_: number for number, id_ in reversed(ids.items()) if id_ not in known}
    commit = partial(cursor.taken, ports.database, task.mailbox, task.fence)
    for batch in _batches([_New(id_, number, listed[number][1]) for id_, number in reversed(new.items())]):
        if not task.go_on():
            return
        with metrics.step("fetcher", "read"):
            wanted = list(_wanted(connection, batch, task, ports))
            arrivals = [_arrival(connection, one, task, ports) for one in wanted]
        hand_over(arrivals, blobs=ports.blobs, send=ports.send, commit=commit, now=ports.now())
        progress.mails += len(arrivals)
    if delete:
        stored = deliveries.stored(ports.database, list(ids.values()))
        for number in (number for number, id_ in ids.items() if id_ in stored):
            connection.delete(number)


class _New(NamedTuple):
    id: UUID
    number: int
    size: int


def _batches(mails: Iterable[_New]) -> Iterator[list[_New]]:
    batch: list[_New] = []
    size = 0
    for mail in mails:
        if batch and (len(batch) == BATCH_MAILS or size + mail.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(mail)
        size += mail.size
    if batch:
        yield batch


def _wanted(connection: Connection, batch: Sequence[_New], task: Task, ports: Ports) -> Iterator[_New]:
    """Yield what is not passed over. POP3 knows no date of arrival, so that in the mail's own Date stands for it."""
    for new in batch:
        date = parse_headers(_start(connection.head(new.number))).date if task.start else None
        if date is None or not is_before(date, task.start):
            yield new
            continue
        passed = Passed(id=new.id, mailbox=task.mailbox, folder_id=INBOX, uidvalidity=None, uid=None, received=date)
        deliveries.pass_over(ports.database, [passed])


def _arrival(connection: Connection, new: _New, task: Task, ports: Ports) -> Arrival:
    what: Content | Stored | HeadersOnly
    size = new.size
    if size > task.limit:
        what = HeadersOnly(_start(connection.head(new.number)))
    else:
        what, size = _content(connection.content(new.number), ports, task.limit)
    return Arrival(
        id=new.id,
        source="pop3",
        mailbox=task.mailbox,
        folder_id=INBOX,
        folder=INBOX,
        folder_role="inbox",
        uidvalidity=None,
        uid=None,
        internal_date=None,
        size=size,
        content=what,
    )


def _start(pieces: Iterator[bytes]) -> bytes:
    """Return the beginning of what comes; all of it is read, since what is left would be taken for the next answer."""
    found = bytearray()
    for piece in pieces:
        if len(found) < HEADER_LIMIT:
            found += piece
    return bytes(found)


def _content(pieces: Iterator[bytes], ports: Ports, limit: int) -> tuple[Content | Stored | HeadersOnly, int]:
    """Return a mail, and its true size: what the server announced is not believed."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > STREAMED_ABOVE:
            return _streamed(bytes(found), pieces, ports, limit)
    return Content(bytes(found)), len(found)


def _streamed(start: bytes, rest: Iterator[bytes], ports: Ports, limit: int) -> tuple[Stored | HeadersOnly, int]:
    """Copy a large mail into the blob store piece by piece; one that grows over the limit leaves its header only."""
    writer = ports.blobs.writer()
    size = 0
    try:
        for piece in itertools.chain((start,), rest):
            size += len(piece)
            if size <= limit:
                writer.write(piece)
        if size > limit:
            writer.abort()
            return HeadersOnly(start[:HEADER_LIMIT]), size
        return Stored(writer.commit()), size
    except BaseException:
        writer.abort()
        raise
