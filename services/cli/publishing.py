"""Sending records from the command line, and where the ends of a topic are."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from services.domain.errors import Refused
from services.runtime import admin
from services.runtime.config import Config
from services.runtime.producer import Producer
from services.storage.outbox import OutboxRow


@contextmanager
def sending(config: Config) -> Iterator[Callable[[Sequence[OutboxRow]], None]]:
    """Give a function that returns when Kafka has acknowledged all of its records."""
    producer = Producer(config.kafka, "mailweave-cli")
    try:
        yield producer.send_all
    finally:
        producer.close()


def ends(kafka: str, topic: str) -> dict[int, int]:
    """Return, per partition, the offset that the next record will have."""
    with admin.client(kafka) as client:
        if topic not in set(client.list_topics()):
            raise Refused(f"Kafka has no topic {topic}. Run `mailweave topics create`.")
        described = client.describe_topics([topic])
        places = [TopicPartition(topic, p["partition_index"]) for t in described for p in t["partitions"]]
        found = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    return {place.partition: found[place].offset for place in places}
