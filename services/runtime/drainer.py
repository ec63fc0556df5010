"""The drainer of one outbox: takes what the owner committed there to Kafka, oldest first."""

import logging
import threading

from services.domain.errors import Retry
from services.runtime import backoff, metrics
from services.runtime.crash import crash_point
from services.runtime.health import Health
from services.runtime.producer import Producer
from services.storage import outbox
from services.storage.postgres import Database

log = logging.getLogger(__name__)

# Rows of a replica that came while another one drained wait so long.
BUSY_SECONDS = 0.2
IDLE_SECONDS = 1.0
LIMIT = 500


class Drainer:
    """
    A thread that drains ``<schema>.outbox``. Of all replicas' drainers one works at a time.

    A row goes when Kafka has acknowledged it: a crash sends rows again, in the same order, and loses none.
    """

    def __init__(self, service: str, schema: str, postgres: str, kafka: str, health: Health) -> None:
        self.schema = schema
        self._service = service
        self._health = health
        self._database = Database(postgres, schema)
        self._producer = Producer(kafka, f"{service}-outbox")
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"outbox-{schema}", daemon=True)

    def start(self) -> None:
        """Begin to drain."""
        self._thread.start()

    def nudge(self) -> None:
        """Say that rows were committed, so that they go at once and not at the next poll."""
        self._wake.set()

    def stop(self, timeout: float = 3.0) -> None:
        """Drain what is there once more and end; whatever does not go in time stays for the next process."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        pause = BUSY_SECONDS
        while not self._stop.is_set():
            if self._drain_all():
                pause = BUSY_SECONDS
            self._wake.wait(pause)
            pause = min(pause * 2, IDLE_SECONDS)
            if self._wake.is_set():
                self._wake.clear()
                pause = BUSY_SECONDS
        self._drain_once()
        self._producer.close()
        self._database.close()

    def _drain_all(self) -> bool:
        """Drain until what was there is gone, with back-off while the world fails. Whether anything went."""
        went = False
        waits = backoff.pauses()
        while not self._stop.is_set():
            count = self._drain_once()
            if count is None:
                self._stop.wait(next(waits))
            else:
                went = went or count > 0
                if count < LIMIT:
                    return went
        return went

    def _drain_once(self) -> int | None:
        what = f"outbox {self.schema}"
        try:
            count = outbox.drain(self._database, self.schema, self._send, LIMIT)
        except Retry as error:
            self._health.unready(what, str(error))
            log.warning("outbox %s: %s; trying again", self.schema, error)
        except Exception as error:
            # A thread that ends would leave committed events unsent for ever, so it never does.
            self._health.unready(what, type(error).__name__)
            log.exception("outbox %s cannot be drained; trying again", self.schema)
        else:
            self._health.ready(what)
            return count
        return None

    def _send(self, rows: list[outbox.OutboxRow]) -> None:
        self._producer.send_all(rows)
        for row in rows:
            metrics.RECORDS_OUT.labels(self._service, row.topic).inc()
        crash_point(f"{self.schema}.outbox_sent")
