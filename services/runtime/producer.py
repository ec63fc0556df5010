"""The synchronous producer, for whatever is no Faust stage: the fetcher, outbox drainers, the command line."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import crc32c
import kafka.record.util
from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from services.domain.errors import Reject, Retry, Stop

# A mail's record carries its body text, and a dead letter carries the whole record and a little more.
RECORD_BYTES = 8 << 20
PRODUCED_BYTES = RECORD_BYTES + (64 << 10)
ACKNOWLEDGE_SECONDS = 30


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


def require_fast_checksums() -> None:
    """``Stop`` unless kafka-python uses the crc32c package: in plain Python 12 kB cost 1 ms instead of 25 µs."""
    if kafka.record.util._crc32c is not crc32c.crc32c:  # noqa: SLF001 - there is no public way to ask
        raise Stop("kafka-python does not use the crc32c package; install it")


class Producer:
    """Sends records and waits for their acknowledgement: ``acks=all``, idempotent. Thread-safe."""

    def __init__(self, kafka_servers: str, client_id: str) -> None:
        require_fast_checksums()
        self._settings: dict[str, Any] = {
            "bootstrap_servers": kafka_servers.split(","),
            "client_id": client_id,
            "acks": "all",
            "enable_idempotence": True,
            "max_request_size": PRODUCED_BYTES,
            "batch_size": 256 << 10,
            "linger_ms": 2,
            "allow_auto_create_topics": False,
            "max_block_ms": ACKNOWLEDGE_SECONDS * 1000,
            "delivery_timeout_ms": ACKNOWLEDGE_SECONDS * 1000,
            "request_timeout_ms": 10_000,
            "bootstrap_timeout_ms": 10_000,
            "metrics_enabled": False,
        }
        self._producer: KafkaProducer | None = None

    def send_all(self, rows: Iterable[Row]) -> None:
        """
        Send these records and return when Kafka has acknowledged every one.

        ``Retry``: at least one is not acknowledged, offer all of them again. ``Reject``: one is too large for Kafka.
        """
        try:
            if self._producer is None:
                self._producer = KafkaProducer(**self._settings)
            sent = [
                self._producer.send(r.topic, key=r.key, value=r.value, headers=header_list(r.headers)) for r in rows
            ]
            for future in sent:
                future.get(timeout=ACKNOWLEDGE_SECONDS + 1)
        except MessageSizeTooLargeError as error:
            raise Reject(f"a record is larger than {RECORD_BYTES} bytes") from error
        except KafkaError as error:
            raise Retry(f"Kafka did not acknowledge: {type(error).__name__}") from error

    def close(self, timeout: float = 5.0) -> None:
        """Drop the connections. What was acknowledged stays; ``send_all`` has left nothing else."""
        if self._producer is not None:
            self._producer.close(timeout=timeout)
            self._producer = None
