"""The settings in force: a table over the compacted topic, read from its beginning by a consumer without a group."""

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from services.contracts import codec
from services.domain.errors import Refused, Reject, Stop
from services.runtime import backoff, metrics
from services.runtime.health import Health
from services.settings import snapshot as snapshots
from services.settings.snapshot import Snapshot

log = logging.getLogger(__name__)

TOPIC = "settings"
ASKED_EVERY_MS = 5000


class SettingsReader:
    """
    Keeps the newest snapshot. A service does not process before the topic's end was reached once.

    While Kafka is away the last snapshot stays in force. An invalid record is logged and ignored.
    """

    def __init__(
        self, service: str, kafka: str, health: Health, changed: Callable[[Snapshot], None] | None = None
    ) -> None:
        self._service = service
        self._kafka = kafka
        self._health = health
        self._changed = changed
        self._snapshot = snapshots.EMPTY
        self._versions: dict[str, int] = {}
        self._loaded = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="settings", daemon=True)

    @property
    def snapshot(self) -> Snapshot:
        """The newest settings: an immutable value, so take it once per batch."""
        return self._snapshot

    @property
    def version(self) -> int:
        """The version of the newest settings."""
        return self._snapshot.version

    def start(self, stopping: threading.Event | None = None) -> None:
        """Block until the topic's end was read; ``Stop`` when the process is asked to stop before."""
        self._health.unready(TOPIC, "the settings are not read to their end yet")
        self._thread.start()
        while not self._loaded.wait(0.1):
            self._health.beat()
            if stopping is not None and stopping.is_set():
                raise Stop("asked to stop before the settings were read")

    def stop(self) -> None:
        """Stop reading; the last snapshot stays readable."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(3)

    def _run(self) -> None:
        waits = backoff.pauses()
        while not self._stop.is_set():
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001 - this thread must not end
                # Whatever fails, the last valid settings stay in force and reading begins again.
                known = isinstance(error, KafkaError | OSError)
                log.log(logging.WARNING if known else logging.ERROR, "settings cannot be read: %r; trying again", error)
                self._stop.wait(next(waits))

    def _follow(self) -> None:
        consumer = KafkaConsumer(
            bootstrap_servers=self._kafka.split(","),
            client_id=f"{self._service}-settings",
            group_id=None,
            enable_auto_commit=False,
            # The broker answers at once when there is something; asking it twice a second, as is the default, took
            # two thirds of what an idle service takes.
            fetch_max_wait_ms=ASKED_EVERY_MS,
            bootstrap_timeout_ms=10_000,
            metrics_enabled=False,
        )
        try:
            place = TopicPartition(TOPIC, 0)
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            end = consumer.end_offsets([place])[place]
            while not self._stop.is_set():
                for records in consumer.poll(timeout_ms=1000).values():
                    for record in records:
                        self._take(record)
                if not self._loaded.is_set() and consumer.position(place) >= end:
                    self._loaded.set()
                    self._health.ready(TOPIC)
        finally:
            consumer.close()

    def _take(self, record: Any) -> None:  # noqa: ANN401 - kafka-python has no types
        """Apply one record. A tombstone ends what compaction kept, and the record before it has said so already."""
        if record.value is None:
            return
        try:
            _, value = codec.decode(record.value)
            key, version, text = str(value["key"]), int(value["version"]), value["value"]
            # A drainer that crashed sends an older record again after a newer one.
            if version <= self._versions.get(key, 0):
                return
            newest = snapshots.apply(self._snapshot, key, version, None if text is None else json.loads(text))
        except (Reject, Refused, KeyError, ValueError, TypeError) as error:
            metrics.SETTINGS_INVALID.labels(self._service).inc()
            log.error(  # noqa: TRY400 - the record is wrong, not the code: a traceback says nothing
                "settings record at offset %s is invalid and ignored: %s", record.offset, error
            )
            return
        if self._loaded.is_set():
            log.info("settings version %s is in force: %s has changed", newest.version, key.partition("/")[0])
        self._versions[key] = version
        self._snapshot = newest
        metrics.SETTINGS_VERSION.labels(self._service).set(newest.version)
        if self._changed is not None:
            self._changed(newest)
