"""How far a consumer group is behind, per topic."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError
from kafka.structs import OffsetAndMetadata

from services.contracts.topics import catalogue
from services.runtime import admin

COORDINATOR_TRIES = 20
COORDINATOR_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Lag:
    """Records of one topic that a group has not committed yet."""

    group: str
    topic: str
    records: int
    end: int


def lag(kafka: str, group: str, topics: list[str] | None = None) -> list[Lag]:
    """
    Return the lag of each topic; by default of those that the group consumes by the catalogue.

    The settings are read without a group, so they are not among those.

    A partition without a commit counts from its first record, because a new group starts there.
    """
    names = (
        topics
        if topics is not None
        else [t.name for t in catalogue().values() if group in t.consumers and t.name != "settings"]
    )
    with admin.client(kafka) as client:
        existing = set(client.list_topics())
        described = client.describe_topics([n for n in names if n in existing]) if existing.intersection(names) else []
        places = [TopicPartition(t["name"], p["partition_index"]) for t in described for p in t["partitions"]]
        if not places:
            return []
        ends = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        starts = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
        committed = _committed(client, group)
    found = []
    for name in sorted({place.topic for place in places}):
        behind = end = 0
        for place in (p for p in places if p.topic == name):
            known = committed.get(place)
            start = starts[place].offset
            at = known.offset if known is not None and known.offset >= 0 else start
            behind += max(0, ends[place].offset - max(at, start))
            end += ends[place].offset
        found.append(Lag(group, name, behind, end))
    return found


def _committed(client: KafkaAdminClient, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """Ask the group's coordinator. A new cluster makes its first one when it is first asked, which takes a second."""
    for _ in range(COORDINATOR_TRIES):
        with suppress(CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError):
            return client.list_group_offsets(group).get(group, {})
        time.sleep(COORDINATOR_SECONDS)
    return client.list_group_offsets(group).get(group, {})


def ends(kafka: str, topic: str) -> dict[int, int]:
    """Return the next offset of each partition of a topic, as it stands now; ``Retry`` when Kafka is away."""
    with admin.client(kafka) as client:
        (described,) = client.describe_topics([topic])
        places = [TopicPartition(topic, p["partition_index"]) for p in described["partitions"]]
        found = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    return {place.partition: found[place].offset for place in places}
