"""
The stage of a service without Faust: takes batches of a topic in a thread, and commits one only when it is finished.

At least once, like the stages on Faust: a crash offers the batch again.
"""

import asyncio
import logging
import math
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from services.domain.errors import Retry, Stop
from services.runtime import backoff, metrics
from services.runtime.batches import BatchRunner, Handle
from services.runtime.dead_letters import DeadLetters
from services.runtime.records import Input, Output
from services.runtime.runtime import Runtime
from services.storage.postgres import Database

log = logging.getLogger(__name__)

BATCH_RECORDS = 100
POLL_MS = 200


class ThreadStage:
    """
    One topic of one service; its consumer group has the service's name. ``handle`` must be idempotent.

    It has no outputs: what a batch has to tell goes through the owner's outbox. When it cannot go on it ends alone: the
    service is unready with the reason, what it does beside the stage goes on, and a restart begins the stage again.
    """

    def __init__(self, topic: str, handle: Handle, runtime: Runtime) -> None:
        self._topic = topic
        self._runtime = runtime
        self._what = f"topic {topic}"
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=topic)
        letters = DeadLetters(Database(runtime.config.postgres, runtime.service), runtime.service)
        self._runner = BatchRunner(topic, handle, _no_outputs, letters, self._executor)
        self._thread = threading.Thread(target=self._run, name=self._what, daemon=True)

    def start(self) -> None:
        """Begin to take batches, until the service is asked to stop."""
        self._thread.start()

    def _run(self) -> None:
        try:
            self._take_batches()
        except Exception as error:
            # The text of a foreign exception may quote a record.
            why = str(error) if isinstance(error, Stop) else type(error).__name__
            log.error("the stage of %s has stopped itself: %s", self._topic, why, exc_info=not isinstance(error, Stop))  # noqa: TRY400
            self._runtime.counters.error(f"{self._what}: {why}")
            self._runtime.health.unready(self._what, f"the stage has stopped itself: {why}")

    def _take_batches(self) -> None:
        waits = backoff.pauses()
        while not self._runtime.stopping.is_set():
            try:
                with closing(self._consumer()) as consumer:
                    self._follow(consumer)
            except (Retry, KafkaError, OSError) as error:
                # What was not committed is offered again to whoever gets the partition.
                log.warning("%s: %s; trying again", self._what, error)
                self._runtime.health.unready(self._what, str(error))
                self._runtime.stopping.wait(next(waits))

    def _consumer(self) -> Any:  # noqa: ANN401 - kafka-python has no types
        service = self._runtime.service
        consumer = KafkaConsumer(
            bootstrap_servers=self._runtime.config.kafka.split(","),
            client_id=f"{service}-{self._topic}",
            group_id=service,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=BATCH_RECORDS,
            bootstrap_timeout_ms=10_000,
            metrics_enabled=False,
        )
        # A task of the client sends the heartbeats, and yet a poll waits no longer than until one is due. While the
        # broker owes the answer to one, that is no time at all: the loop took a core, and 35 MB more each second.
        consumer._coordinator.time_to_next_poll = lambda: math.inf  # noqa: SLF001 - there is no setting for it
        return consumer

    def _follow(self, consumer: Any) -> None:  # noqa: ANN401
        # Asked for before it joins: else it may join without a partition, and its second join was seen to hang.
        consumer.partitions_for_topic(self._topic)
        consumer.subscribe([self._topic])
        while not self._runtime.stopping.is_set():
            records = [one for some in consumer.poll(timeout_ms=POLL_MS).values() for one in some]
            if records:
                inputs = [_input(record) for record in records]
                done = asyncio.run(self._runner.run(inputs))
                consumer.commit()
                self._count(len(inputs), len(done.rejects))
            self._runtime.health.ready(self._what)

    def _count(self, taken: int, rejected: int) -> None:
        service = self._runtime.service
        metrics.RECORDS.labels(service, self._topic, "done").inc(taken - rejected)
        metrics.RECORDS.labels(service, self._topic, "rejected").inc(rejected)
        self._runtime.counters.add(rejected=rejected)


async def _no_outputs(outputs: Sequence[Output]) -> None:
    assert not outputs


def _input(record: Any) -> Input:  # noqa: ANN401
    headers = dict(record.headers or ())
    return Input(record.topic, record.partition, record.offset, record.key, record.value, headers)
