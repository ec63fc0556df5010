"""Mail that a server pushes, from its last byte to the answer: handed over in a bounded pool of threads."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from services.domain.errors import MailweaveError
from services.domain.identity import delivery_id_pushed
from services.fetcher import replies
from services.fetcher.cursorless import take_new
from services.fetcher.folders import role
from services.fetcher.handover import Arrival
from services.fetcher.polling import Ports
from services.fetcher.spooling import Spool, Spooled
from services.runtime import metrics

log = logging.getLogger(__name__)

THREADS = 4
SLOTS = 16
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
    Takes the mails of all connections. At most ``SLOTS`` are on their way in, each with at most 4 MB in memory.

    ``ports`` gives each thread its own; ``produced`` is told how many deliveries were new. To be made inside the
    event loop that uses it.
    """

    def __init__(self, ports: Callable[[], Ports], produced: Callable[[int], None]) -> None:
        self._ports = ports
        self._produced = produced
        self._pool = ThreadPoolExecutor(THREADS, "push")
        self._slots = asyncio.Semaphore(SLOTS)
        self._loop = asyncio.get_running_loop()

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
            mail, ports = spool.finish(), self._ports()
            for first in range(0, len(mailboxes), AT_ONCE):
                group = mailboxes[first : first + AT_ONCE]
                arrivals = [arrival(mail, mailbox=m, source=source, ports=ports) for m in group]
                taken = take_new(ports, arrivals)
                metrics.PUSHED.labels(source, "taken").inc(len(taken.messages))
                metrics.PUSHED.labels(source, "known").inc(taken.known)
                self._produced(len(taken.messages))

        return self._pool.submit(self._answered, whole, replies.MAIL_TAKEN)

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
