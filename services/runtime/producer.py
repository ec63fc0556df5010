"""Producing: records go out as one Kafka batch per partition, and are done when every batch is acknowledged."""

import asyncio
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from services.contracts.topics import catalogue
from services.domain.errors import Reject, Retry

# A mail's record carries its body text, and a dead letter carries the whole record and a little more.
RECORD_BYTES = 8 << 20
PRODUCED_BYTES = RECORD_BYTES + (64 << 10)
BATCH_BYTES = 1 << 20
ACKNOWLEDGE_SECONDS = 30
CLOSE_SECONDS = 5.0


class Row(Protocol):
    """A record to send: a ``records.Output`` or a row of an outbox."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def key(self) -> bytes: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Mapping[str, str | bytes]: ...  # noqa: D102


def header_list(headers: Mapping[str, str | bytes]) -> list[tuple[str, bytes]]:
    """Return headers as Kafka clients want them."""
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in headers.items()]


@cache
def _compacted() -> frozenset[str]:
    return frozenset(topic.name for topic in catalogue().values() if topic.cleanup == "compact")


def partition_of(topic: str, key: bytes, partitions: Sequence[int]) -> int:
    """
    Return the partition of a key.

    Compacted topics are also written by the CRM's own clients, and a key must lie in one partition whoever writes it:
    there it is Kafka's own hash. Elsewhere only we write, by a hash that costs a hundredth of it in Python.
    """
    if topic in _compacted():
        return partitions[(murmur2(key) & 0x7FFFFFFF) % len(partitions)]
    return partitions[zlib.crc32(key) % len(partitions)]


class AsyncProducer:
    """
    Sends records and waits for their acknowledgement: ``acks=all``, idempotent. For one event loop.

    A batch is built here and handed over whole: 9 µs of CPU for a small record and 32 for one of 6 kB, where sending
    them one by one took 38 and 64 (aiokafka) or 97 and 93 (kafka-python); ``services/decisions/0003``.
    """

    def __init__(self, kafka_servers: str, client_id: str) -> None:
        self._servers = kafka_servers.split(",")
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def send_all(self, rows: Iterable[Row]) -> None:
        """
        Send these records and return when Kafka has acknowledged every one.

        Records of one key arrive in the order given. ``Retry``: at least one is not acknowledged, offer all of them
        again. ``Reject``: one is too large for Kafka, and none was sent.
        """
        given = list(rows)
        if any(len(row.key) + len(row.value or b"") > PRODUCED_BYTES for row in given):
            raise Reject(f"a record would be larger than {RECORD_BYTES} bytes")
        producer = None
        try:
            producer = await self._started()
            await asyncio.gather(*await self._sent(producer, given))
        except MessageSizeTooLargeError as error:
            raise Reject(f"a record would be larger than {RECORD_BYTES} bytes") from error
        except (KafkaError, TimeoutError) as error:
            # A new producer has a new id: the numbers of what an old one had under way can confuse nobody.
            if self._producer is producer:
                await self.close()
            raise Retry(f"Kafka did not acknowledge: {type(error).__name__}") from error

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._servers,
                    client_id=self._client_id,
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=PRODUCED_BYTES,
                    max_batch_size=BATCH_BYTES,
                    request_timeout_ms=ACKNOWLEDGE_SECONDS * 1000,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _sent(self, producer: AIOKafkaProducer, rows: Sequence[Row]) -> list[asyncio.Future[object]]:
        """Hand the records over in batches; return what to wait for."""
        partitions: dict[str, list[int]] = {}
        open_: dict[tuple[str, int], BatchBuilder] = {}
        waiting: list[asyncio.Future[object]] = []
        for row in rows:
            if row.topic not in partitions:
                partitions[row.topic] = sorted(await producer.partitions_for(row.topic))
            place = row.topic, partition_of(row.topic, row.key, partitions[row.topic])
            headers = header_list(row.headers)
            batch = open_.get(place)
            if batch is None or batch.append(timestamp=None, key=row.key, value=row.value, headers=headers) is None:
                if batch is not None:
                    waiting.append(await producer.send_batch(batch, row.topic, partition=place[1]))
                batch = open_[place] = producer.create_batch()
                batch.append(timestamp=None, key=row.key, value=row.value, headers=headers)
        for (topic, partition), batch in open_.items():
            waiting.append(await producer.send_batch(batch, topic, partition=partition))
        return waiting

    async def close(self) -> None:
        """Drop the connections. What was acknowledged stays; ``send_all`` has left nothing else."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(producer.stop(), CLOSE_SECONDS)


class Producer:
    """An :class:`AsyncProducer` for whatever has no event loop: it gets one, in a thread. Thread-safe."""

    def __init__(self, kafka_servers: str, client_id: str) -> None:
        self._new = partial(AsyncProducer, kafka_servers, client_id)
        self._lock = threading.Lock()
        self._running: tuple[asyncio.AbstractEventLoop, AsyncProducer] | None = None

    def send_all(self, rows: Iterable[Row]) -> None:
        """Send these records and return when Kafka has acknowledged every one: :meth:`AsyncProducer.send_all`."""
        with self._lock:
            if self._running is None:
                loop = asyncio.new_event_loop()
                threading.Thread(target=loop.run_forever, name="producer", daemon=True).start()
                self._running = loop, self._new()
            loop, producer = self._running
        asyncio.run_coroutine_threadsafe(producer.send_all(rows), loop).result()

    def close(self) -> None:
        """Drop the connections; the next use makes new ones."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            loop, producer = running
            asyncio.run_coroutine_threadsafe(producer.close(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
