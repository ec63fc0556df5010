"""
The agent of one topic: takes batches from Faust's buffer, keeps one until it is finished, only then acknowledges it.

Not by Faust's ``take``: when its generator is closed in the middle of a batch, be it by a crash or a cancelled task, it
acknowledges what it yielded, and those records are lost. And it costs each record a turn of the event loop.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import faust

from services.domain.errors import Reject, Retry, Stop
from services.runtime import backoff, metrics
from services.runtime.batches import BatchRunner, Handle
from services.runtime.dead_letters import DeadLetters
from services.runtime.pace import BATCH_RECORDS, Pace
from services.runtime.producer import RECORD_BYTES, AsyncProducer
from services.runtime.records import Input, Output
from services.runtime.runtime import Runtime
from services.storage.postgres import Database

log = logging.getLogger(__name__)

BATCH_BYTES = 8 << 20
GATE_SECONDS = 0.02


class Stage:
    """One agent. ``consume`` never raises and never returns, because Faust would start another one in its place."""

    def __init__(
        self, app: faust.App, topic: str, handle: Handle, runtime: Runtime, gate: Callable[[], bool] | None
    ) -> None:
        self._app = app
        self._topic = topic
        self._runtime = runtime
        self._gate = gate
        self._what = f"topic {topic}"
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=topic)
        letters = DeadLetters(Database(runtime.config.postgres, runtime.service), runtime.service)
        self._producer = AsyncProducer(runtime.config.kafka, f"{runtime.service}-{topic}")
        self._runner = BatchRunner(topic, handle, self._send, letters, self._executor)
        self._dropped_generation = -1
        self._pace = Pace()
        self._in_hand: Sequence[Any] = ()
        self._waiting: Sequence[Any] = ()
        metrics.TIME_BEHIND_SECONDS.labels(runtime.service, topic).set_function(self._seconds_behind)
        runtime.drainer(runtime.service)

    async def consume(self, stream: Any) -> None:  # noqa: ANN401 - Faust has no types to offer
        """Take batches for ever."""
        records = aiter(stream.channel)
        self._waiting = records.queue._queue  # noqa: SLF001 - only looked at
        await self._wait_for_gate()
        while True:
            try:
                events = await self._take(records.queue)
            except StopAsyncIteration:  # thrown into the buffer when Faust stops
                return
            self._in_hand = events
            try:
                await self._finish(events)
            except Exception as error:
                log.exception("the stage of %s cannot go on", self._topic)
                self._runtime.fail(error)
                self._drop(events)
            self._in_hand = ()

    def _seconds_behind(self) -> float:
        """Return the age of the oldest record in hand or in the buffer; called from the thread of the health port."""
        try:
            held = self._in_hand or (self._waiting[0],)
        except IndexError:
            return 0.0
        return max(0.0, time.time() - min(event.message.timestamp for event in held))

    async def _take(self, buffer: Any) -> list[Any]:  # noqa: ANN401
        """Return the next batch, at least one record. In quiet times a record is taken when it comes."""
        events = [await buffer.get()]
        await asyncio.sleep(self._pace.pause(time.monotonic(), 1 + buffer.qsize()))
        began = time.monotonic()
        size = len(events[0].value or b"")
        while len(events) < BATCH_RECORDS and size < BATCH_BYTES and not buffer.empty():
            events.append(buffer.get_nowait())
            size += len(events[-1].value or b"")
        self._pace.took(began, len(events))
        return [event for event in events if self._mine(event)] or await self._take(buffer)

    def _mine(self, event: Any) -> bool:  # noqa: ANN401
        """Whether the record's partition is still held; then Faust waits for it before it gives the partition up."""
        message, app = event.message, self._app
        if not app.flow_control.is_active() or message.generation_id != app.consumer_generation_id:
            return False
        message.tracked = True
        app.consumer.unacked.add(message)
        return True

    async def _wait_for_gate(self) -> None:
        """Pause the topic meanwhile: its records would fill the consumer's buffer and starve the other topics."""
        if self._gate is None or self._gate():
            return
        self._runtime.health.unready(self._what, "the gate is closed")
        while not self._gate():
            self._flow(self._app.consumer.pause_partitions)
            await asyncio.sleep(GATE_SECONDS)
        self._runtime.health.ready(self._what)
        # During a rebalance Faust resumes every partition itself, and only then may they be.
        if not self._app.rebalancing and self._app.flow_control.is_active():
            self._flow(self._app.consumer.resume_partitions)

    def _flow(self, change: Callable[[set[Any]], None]) -> None:
        places = {place for place in self._app.consumer.assignment() if place.topic == self._topic}
        if places:
            change(places)

    async def _finish(self, events: Sequence[Any]) -> None:
        """Handle this batch until it succeeds; drop it, unacknowledged, when a stop or a rebalance waits for it."""
        waits = backoff.pauses()
        inputs = [_input(event.message) for event in events]
        while not self._must_drop(events):
            began = time.monotonic()
            try:
                done = await self._runner.run(inputs)
            except Retry as error:
                if not await self._pause(error, len(inputs), next(waits)):
                    break
            except Stop as error:
                log.critical("%s: %s", self._topic, error)
                self._runtime.fail(error)
                self._drop(events)
            else:
                for event in events:
                    event.ack()
                self._runtime.health.ready(self._what)
                self._count(inputs, len(done.outputs), len(done.rejects), time.monotonic() - began)
                return
        self._drop(events)

    def _must_drop(self, events: Sequence[Any]) -> bool:
        # What follows a dropped batch is dropped too: its acknowledgement would commit past the dropped records.
        return any(event.message.generation_id <= self._dropped_generation for event in events)

    def _drop(self, events: Sequence[Any]) -> None:
        newest = max(event.message.generation_id for event in events)
        self._dropped_generation = max(self._dropped_generation, newest)
        # Faust waits until nothing is unacknowledged before it gives up a partition or stops.
        for event in events:
            self._app.consumer.unacked.discard(event.message)
        # Whether the world still fails is known at the next batch, which may never come here.
        self._runtime.health.ready(self._what)

    async def _pause(self, error: Retry, count: int, seconds: float) -> bool:
        """Wait before the next try. False: give the batch up, and let whoever gets its partitions have it."""
        runtime = self._runtime
        runtime.health.unready(self._what, str(error))
        runtime.counters.error(f"{self._topic}: {error}")
        metrics.RECORDS.labels(runtime.service, self._topic, "retried").inc(count)
        log.warning("%s: %s; trying again in %.1f s", self._topic, error, seconds)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if runtime.stopping.is_set() or not self._app.flow_control.is_active():
                return False
            await asyncio.sleep(0.1)
        return True

    async def _send(self, outputs: Sequence[Output]) -> None:
        """Produce these records and wait for every acknowledgement."""
        # Before anything is sent: else the neighbours that went already would go again.
        if any(len(o.key) + len(o.value or b"") > RECORD_BYTES for o in outputs):
            raise Reject(f"a record would be larger than {RECORD_BYTES} bytes")
        if outputs:
            await self._producer.send_all(outputs)
        for topic, count in Counter(output.topic for output in outputs).items():
            metrics.RECORDS_OUT.labels(self._runtime.service, topic).inc(count)

    def _count(self, inputs: Sequence[Input], produced: int, rejected: int, seconds: float) -> None:
        service, topic = self._runtime.service, self._topic
        self._runtime.counters.add(len(inputs), produced, rejected)
        metrics.RECORDS.labels(service, topic, "done").inc(len(inputs) - rejected)
        metrics.RECORDS.labels(service, topic, "rejected").inc(rejected)
        metrics.BATCH_SECONDS.labels(service, topic).observe(seconds)
        latency = metrics.LATENCY_SECONDS.labels(service, topic)
        now = datetime.now(UTC)
        for given in inputs:
            if given.origin_time is not None:
                latency.observe(max(0.0, (now - given.origin_time).total_seconds()))


def _input(message: Any) -> Input:  # noqa: ANN401
    return Input(
        message.topic, message.partition, message.offset, message.key, message.value, dict(message.headers or ())
    )
