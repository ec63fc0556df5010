"""Figures about the whole installation, as gauges of one replica: the balance of mail, mailboxes, outboxes, lag."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from prometheus_client import Gauge

from services.contracts.topics import catalogue
from services.domain.errors import MailweaveError
from services.runtime import metrics
from services.runtime.config import Config
from services.runtime.lag import lag
from services.settings.permits import readable
from services.settings.snapshot import Snapshot
from services.storage.postgres import Database
from services.storage.reports import conservation, progress
from services.storage.reports.reading import snapshot as one_look

log = logging.getLogger(__name__)

SECONDS = 15.0
SHARE = 0.02  # of the time at most, however large the tables are
FRESH = timedelta(minutes=5)
GAUGES: tuple[Gauge, ...] = (
    metrics.DELIVERIES, metrics.MAILBOXES, metrics.OUTBOX_AGE_SECONDS, metrics.DEAD_LETTERS, metrics.LAG_RECORDS,
)  # fmt: skip


class Reporter:
    """
    Counts what the rows say, every 15 seconds or more rarely where counting takes long.

    Of all replicas the one that has the lock reports; the others, and one that loses it or cannot look, show nothing
    rather than old figures.
    """

    def __init__(self, config: Config, settings: Callable[[], Snapshot]) -> None:
        self._config = config
        self._settings = settings
        self._database = Database(config.postgres, "reader")

    def run(self, stop: threading.Event) -> None:
        """Report until told to stop."""
        with closing(self._database):
            while not stop.is_set():
                began = time.monotonic()
                try:
                    self.report()
                except MailweaveError as error:
                    forget()
                    log.warning("the figures of the installation cannot be had: %s", error)
                except Exception:
                    forget()
                    log.exception("the figures of the installation cannot be had")
                stop.wait(max(SECONDS, (time.monotonic() - began) / SHARE))

    def report(self) -> None:
        """Count once, if no other replica does."""
        with self._database.locked("reporter") as connection:
            if connection is None:
                forget()
                return
            with one_look(connection):
                # The share is meant of one core: parallel workers would take the time of those who file mail.
                connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
                balance = conservation.balance(connection)
                waiting = conservation.waiting(connection)
                dead = conservation.open_dead_letters(connection)
                mailboxes = progress.mailboxes(connection)
            states = dict.fromkeys(metrics.DELIVERY_STATES, 0) | dict(balance.decided)
            states |= {"fetched": balance.fetched, "dead": balance.dead, "in_flight": balance.in_flight}
            for state, count in {**states, "overdue": balance.overdue}.items():
                metrics.DELIVERIES.labels(state).set(count)
            metrics.DELIVERIES_UNBALANCED.set(balance.difference)
            for outbox in waiting:
                metrics.OUTBOX_AGE_SECONDS.labels(outbox.schema).set(outbox.seconds)
            for stage, count in dead.items():
                metrics.DEAD_LETTERS.labels(stage).set(count)
            self._mailboxes({m.mailbox: m for m in mailboxes})
            for group in sorted({consumer for topic in catalogue().values() for consumer in topic.consumers}):
                if group in progress.STAGES:
                    for one in lag(self._config.kafka, group):
                        metrics.LAG_RECORDS.labels(group, one.topic).set(one.records)

    def _mailboxes(self, seen: dict[str, progress.MailboxState]) -> None:
        counts = dict.fromkeys(metrics.MAILBOX_STATES, 0)
        now = datetime.now(UTC)
        for name in readable(self._settings()):
            state = seen.get(name)
            fresh = state is not None and state.last_check is not None and now - state.last_check < FRESH
            counts["failing" if state is not None and state.error_count else "fresh" if fresh else "late"] += 1
        for name, count in counts.items():
            metrics.MAILBOXES.labels(name).set(count)


def forget() -> None:
    """Take the gauges away: another replica has them, or nobody can."""
    for gauge in GAUGES:
        gauge.clear()
    metrics.DELIVERIES_UNBALANCED.set(float("nan"))
