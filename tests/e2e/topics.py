"""What the end-to-end tests read from Kafka and put back onto it."""

import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from services.contracts.codec import decode
from services.contracts.schemas import committed
from services.contracts.topics import catalogue
from services.domain.errors import UndecodableRecord
from services.runtime.lag import lag


def everything(kafka: str, topic: str) -> Iterator[Any]:
    """Yield every record that is on the topic now, read without a group."""
    with closing(KafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)) as consumer:
        partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.seek_to_beginning(*partitions)
        while any(consumer.position(p) < ends[p] for p in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                yield from records


def again(kafka: str, topics: Iterable[str], order: random.Random) -> Counter[str]:
    """
    Produce every record that belongs on these topics once more, as it was, all of them in an order by chance.

    Of a compacted topic that is what compaction leaves: an older record of a key would be a change. The poison of
    other tests stays out: a dead letter is kept per position, so more of it is more dead letters. Returns how many
    there were by topic.
    """
    records = [one for topic in topics for one in _lasting(kafka, topic) if _belongs(one.value, topic)]
    order.shuffle(records)
    with closing(KafkaProducer(bootstrap_servers=kafka, acks="all", max_request_size=32 << 20)) as producer:
        for one in records:
            producer.send(one.topic, key=one.key, value=one.value, headers=list(one.headers), partition=one.partition)
        producer.flush()
    return Counter(one.topic for one in records)


def _lasting(kafka: str, topic: str) -> Iterable[Any]:
    if catalogue()[topic].cleanup != "compact":
        return everything(kafka, topic)
    return {one.key: one for one in everything(kafka, topic)}.values()


def _belongs(value: bytes | None, topic: str) -> bool:
    carried = {schema.name for schema in catalogue()[topic].schemas}
    try:
        return value is not None and decode(value)[0] in {s.record for s in committed() if s.name in carried}
    except UndecodableRecord:
        return False


def caught_up(kafka: str, seconds: float = 120) -> None:
    """Return when the stages have read all records and stay there: a stage's output is another's input."""
    deadline, quiet = time.monotonic() + seconds, 0
    while quiet < 4:
        behind = sum(one.records for group in ("correlator", "resolver") for one in lag(kafka, group))
        quiet = 0 if behind else quiet + 1
        assert time.monotonic() < deadline, f"after {seconds:g} s the stages are {behind} records behind"
        time.sleep(0.25)


def records(kafka: str, topic: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every record of a topic decoded: its name and value."""
    for one in everything(kafka, topic):
        if one.value is not None:
            yield decode(one.value)
