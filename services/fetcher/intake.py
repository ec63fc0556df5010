"""Mail that a server pushes, from its last byte to the answer: handed over in a bounded pool of threads."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import cache, partial

from services.domain.errors import MailweaveError
from services.domain.identity import delivery_id_pushed
from services.domain.message import Message
from services.fetcher import replies
from services.fetcher.cursorless import take_new
from services.fetcher.folders import role
from services.fetcher.handover import Arrival, Blobs, Content, HeadersOnly, Parse, Stored, read
from services.fetcher.polling import Ports
from services.fetcher.spooling import Spool, Spooled
from services.runtime import metrics

log = logging.getLogger(__name__)

THREADS = 4
SLOTS = 8
AT_ONCE = 10  # recipients of one mail: each has a record, and all of a hand-over are in memory together
INBOX = "INBOX"


def arrival(mail: Spooled, *, mailbox: str, source: str, ports: Ports) -> Arrival:
    """Return a pushed mail as an arrival in the inbox, now."""
    return Arrival(
        id=delivery_id_pushed(mailbox, mail.sha256),
        source=source,
        mailbox=mailbox,
        folder_id=INBOX,
        folder=INBOX,
        folder_role=role(INBOX, ()),
        uidvalidity=None,
        uid=None,
        internal_date=ports.now(),
        size=mail.size,
        content=mail.content,
    )


class Intake:
    """
    Takes the mails of all connections. At most ``SLOTS`` are on their way in, each with at most 4 MB in memory; of
    those that went to the blob store in pieces one is read at a time. Measured without the stores' clients: 55 MB at
    rest, at most 158 MB with 16 senders of 3.9 MB at once, 191 with 12 of 20 MB, 89 with 4 of 100 MB.

    ``ports`` gives each thread its own; ``produced`` is told how many deliveries were new. To be made inside the
    event loop that uses it.
    """

    def __init__(self, ports: Callable[[], Ports], produced: Callable[[int], None]) -> None:
        self._ports = ports
        self._produced = produced
        self._pool = ThreadPoolExecutor(THREADS, "push")
        self._slots = asyncio.Semaphore(SLOTS)
        self._loop = asyncio.get_running_loop()
        self._large = threading.Lock()

    async def begin(self, seconds: float) -> Spool | None:
        """Return room for one mail, which the caller gives back by :meth:`end`; None when there is none in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            return None
        return Spool(self._ports().blobs.writer)

    def write(self, spool: Spool, piece: bytes) -> "Future[str]":
        """Add a piece in a thread; the result is the refusal, or empty."""
        return self._pool.submit(self._answered, lambda: spool.write(piece), "")

    def take(self, spool: Spool, last: bytes, *, mailboxes: Sequence[str], source: str) -> "Future[str]":
        """
        Add the last piece and hand the mail over for all mailboxes, in a thread; the result is the reply.

        It is positive only once blob, records and rows are durable. Otherwise some mailboxes may have it: the sender
        sends again, and what is known then is not taken twice.
        """

        def whole() -> None:
            spool.write(last)
            mail = spool.finish()
            # Once for all recipients: a large one takes seconds.
            message = cache(partial(read, mail.content, self._ports().blobs))

            def parse(content: Content | Stored | HeadersOnly, blobs: Blobs) -> Message:
                return message() if content is mail.content else read(content, blobs)

            with self._large if isinstance(mail.content, Stored) else nullcontext():
                for first in range(0, len(mailboxes), AT_ONCE):
                    self._hand_over(mail, mailboxes[first : first + AT_ONCE], source, parse)

        return self._pool.submit(self._answered, whole, replies.MAIL_TAKEN)

    def _hand_over(self, mail: Spooled, mailboxes: Sequence[str], source: str, parse: Parse) -> None:
        ports = self._ports()
        taken = take_new(ports, [arrival(mail, mailbox=m, source=source, ports=ports) for m in mailboxes], parse)
        metrics.PUSHED.labels(source, "taken").inc(len(taken.messages))
        metrics.PUSHED.labels(source, "known").inc(taken.known)
        self._produced(len(taken.messages))

    def end(self, spool: Spool, after: "Future[str] | None") -> None:
        """Give the room back once the work ``after`` is done; what is not finished leaves nothing behind."""

        def give_back(_: "Future[str] | None") -> None:
            with suppress(MailweaveError, OSError):
                spool.abort()
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._slots.release)

        if after is None:
            give_back(None)
        else:
            after.add_done_callback(give_back)

    def close(self) -> None:
        """Begin nothing more. What runs is not waited for: its sender has no answer and sends again."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _answered(step: Callable[[], None], done: str) -> str:
        try:
            step()
        except MailweaveError as error:
            log.warning("a pushed mail is not taken, its sender is to try again: %s", error)
        except Exception:
            log.exception("taking a pushed mail broke, its sender is to try again")
        else:
            return done
        return replies.STORES
