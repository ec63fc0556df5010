"""The job worker: decides again what depended on something that has changed."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg

from services import mime
from services.domain.acceptance import Outcome
from services.domain.errors import Retry
from services.domain.message import Message
from services.resolver import reading
from services.resolver.arrivals import Delivered
from services.resolver.deciding import decide_all
from services.resolver.filing import Settings
from services.resolver.ledger import Item
from services.storage.blobs import BlobFolder
from services.storage.postgres import Database

log = logging.getLogger(__name__)

MESSAGES_AT_ONCE = 200
IDLE_SECONDS = 0.1


class JobWorker:
    """
    Takes jobs oldest first, any number of workers at once, never inside a consumer's batch.

    A job is deleted in the transaction that carries it out, so a killed worker's job is done by another. It ends,
    because an outcome equal to the current one writes nothing and enqueues nothing.
    """

    def __init__(self, database: Database, blobs: BlobFolder, settings: Callable[[], Settings]) -> None:
        """``settings`` returns the settings in force at the moment."""
        self._database = database
        self._blobs = blobs
        self._settings = settings

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; when the world fails, wait and go on."""
        while not stop.is_set():
            try:
                worked = self.step()
            except Retry as error:
                log.warning("jobs wait", extra={"cause": str(error)})
                stop.wait(1.0)
                continue
            if not worked:
                stop.wait(IDLE_SECONDS)

    def step(self) -> bool:
        """Carry out one job; return whether there was one."""
        with self._database.transaction() as connection:
            job = connection.execute(
                "SELECT id, targets, messages, cause FROM resolver.job WHERE due <= now()"
                " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
            ).fetchone()
            if job is None:
                return False
            job_id, targets, messages, cause = job
            affected = _affected(connection, targets, messages)
            now, later = affected[:MESSAGES_AT_ONCE], affected[MESSAGES_AT_ONCE:]
            if later:
                connection.execute(
                    "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', %s, %s)", (later, cause)
                )
            if now:
                # Locked before the deliveries are read: a decision in flight commits first and is seen.
                reading.lock(connection, now)
                items = list(self._items(connection, now))
                decide_all(connection, items, self._settings(), cause=cause, undecided_only=False)
            connection.execute("DELETE FROM resolver.job WHERE id = %s", (job_id,))
        return True

    def _items(self, connection: psycopg.Connection[Any], keys: list[UUID]) -> Iterator[Item]:
        """Yield the decided deliveries of these messages with their content, read again from the blobs."""
        current = reading.current(connection, keys)
        for delivered in (d for group in reading.deliveries(connection, keys).values() for d in group.values()):
            decision = current.get(delivered.delivery_id)
            # Without a decision it is about to be decided, and will see what has changed.
            if decision is None or decision.outcome in (Outcome.DUPLICATE, Outcome.TOO_LARGE):
                continue
            message = self._content(delivered)
            if message is None:
                log.warning("content is gone", extra={"delivery": str(delivered.delivery_id)})
                continue
            yield Item(delivered, message)

    def _content(self, delivered: Delivered) -> Message | None:
        name = delivered.blob_sha256.hex() if delivered.blob_sha256 else ""
        return mime.parse_file(self._blobs.path(name)) if name and self._blobs.exists(name) else None


def _affected(connection: psycopg.Connection[Any], targets: list[UUID], messages: list[UUID]) -> list[UUID]:
    rows = connection.execute(
        "SELECT e.child FROM resolver.evidence e WHERE e.target = ANY(%s) UNION SELECT unnest(%s::uuid[]) ORDER BY 1",
        (targets, messages),
    )
    return [key for (key,) in rows]
