"""Topics in Kafka against the catalogue: creates what is missing, names what differs, never changes what exists."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from services.contracts.topics import Topic, catalogue
from services.domain.errors import Retry
from services.runtime.producer import PRODUCED_BYTES, RECORD_BYTES

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One property of a topic that is not as the catalogue wants it."""

    topic: str
    property: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.property} is {self.found}, wanted {self.wanted}"


@contextmanager
def client(kafka: str) -> Iterator[KafkaAdminClient]:
    """Open an admin client; whatever Kafka refuses or does not answer is raised as ``Retry``."""
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=kafka.split(","),
            client_id="mailweave-admin",
            request_timeout_ms=15_000,
            bootstrap_timeout_ms=10_000,
        )
        try:
            yield admin
        finally:
            admin.close()
    except KafkaError as error:
        raise Retry(f"Kafka at {kafka}: {type(error).__name__}: {error}") from error


def create(kafka: str, topics: Mapping[str, Topic] | None = None, replication: int = -1) -> list[str]:
    """Create the topics that are missing and return their names. A topic that exists is left as it is."""
    wanted = catalogue() if topics is None else topics
    with client(kafka) as admin:
        existing = set(admin.list_topics())
        missing = [topic for name, topic in wanted.items() if name not in existing]
        made = []
        for topic in missing:
            order = {
                "num_partitions": topic.partitions,
                "replication_factor": replication,
                "configs": properties(topic),
            }
            try:
                admin.create_topics({topic.name: order}, wait_for_metadata=True)
            except TopicAlreadyExistsError:
                continue  # somebody else creates the same catalogue at the same time
            made.append(topic.name)
    return made


def check(kafka: str, topics: Mapping[str, Topic] | None = None) -> list[Difference]:
    """Return every difference between Kafka and the catalogue. Topics that it does not know are not its matter."""
    wanted = catalogue() if topics is None else topics
    with client(kafka) as admin:
        existing = set(admin.list_topics())
        present = [name for name in wanted if name in existing]
        partitions = {t["name"]: len(t["partitions"]) for t in admin.describe_topics(present)} if present else {}
        configs = _configs(admin, present)
    found = []
    for name, topic in wanted.items():
        if name not in partitions:
            found.append(Difference(name, "topic", "to exist", "missing"))
            continue
        actual = {"partitions": str(partitions[name]), **configs[name]}
        for key, value in {"partitions": str(topic.partitions), **properties(topic)}.items():
            if actual.get(key) != value:
                found.append(Difference(name, key, value, str(actual.get(key))))
    return found


def properties(topic: Topic) -> dict[str, str]:
    """Return how the broker is to keep a topic."""
    retention = -1 if topic.retention_hours is None else topic.retention_hours * HOUR_MS
    return {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(retention),
        # A dead letter holds a whole record and more, so its topic takes more.
        "max.message.bytes": str(PRODUCED_BYTES if topic.name.endswith("-dead") else RECORD_BYTES),
    }


def _configs(admin: KafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answer: Mapping[str, Any] = admin.describe_configs(resources, config_filter="all")
    return {
        name: {key: str(data["value"] if isinstance(data, dict) else data) for key, data in values.items()}
        for name, values in answer["topic"].items()
    }
