"""Topics made from a catalogue and compared with it, on a real broker."""

import uuid

import pytest

from services.contracts.topics import catalogue, parse
from services.runtime import admin, lag
from services.runtime.admin import Difference

pytestmark = pytest.mark.component


def topics(partitions=2, cleanup="delete", retention=24):
    name = f"test-{uuid.uuid4().hex[:8]}"
    text = f"""
        topic: {name}
        owner: correlator
        producers: [fetcher]
        consumers: [correlator]
        key: id
        partitions: {partitions}
        cleanup: {cleanup}
        retention_hours: {retention}
        schemas: [{{name: mail_received, version: 1}}]
        compatibility: full
    """
    return {name: parse(text, source=f"{name}.yaml")}


def test_created_topics_are_as_the_catalogue_wants_them(kafka):
    wanted = topics() | topics(cleanup="compact", retention="null")

    assert admin.check(kafka.servers, wanted) == [Difference(n, "topic", "to exist", "missing") for n in wanted]
    assert admin.create(kafka.servers, wanted) == list(wanted)
    assert admin.create(kafka.servers, wanted) == []
    assert admin.check(kafka.servers, wanted) == []


def test_differences_are_named_and_left_alone(kafka):
    """``create`` never changes a topic that exists, whatever the catalogue wants by now."""
    made = topics()
    (name,) = made
    admin.create(kafka.servers, made)
    wanted = {name: made[name].model_copy(update={"partitions": 3, "cleanup": "compact", "retention_hours": None})}
    expected = [
        Difference(name, "partitions", "3", "2"),
        Difference(name, "cleanup.policy", "compact", "delete"),
        Difference(name, "retention.ms", "-1", "86400000"),
    ]

    assert admin.check(kafka.servers, wanted) == expected
    assert admin.create(kafka.servers, wanted) == []
    assert admin.check(kafka.servers, wanted) == expected
    assert str(expected[0]) == f"{name}: partitions is 2, wanted 3"


def test_the_catalogue_is_in_force(kafka):
    """The fixture has created the topics; a dead letter topic takes a whole record and more."""
    assert admin.check(kafka.servers, catalogue()) == []


def test_lag_of_a_group_that_never_committed_is_everything(kafka):
    topic = kafka.topic()
    kafka.produce(topic, [b"x"] * 30)

    assert lag.lag(kafka.servers, "never-seen", [topic]) == [lag.Lag("never-seen", topic, 30, 30)]
    assert sum(lag.ends(kafka.servers, topic).values()) == 30
    assert lag.lag(kafka.servers, "never-seen", ["no-such-topic"]) == []
