"""The settings table over a real compacted topic."""

import json
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from services.contracts.codec import encode
from services.domain.errors import Stop
from services.runtime.health import Health
from services.runtime.producer import Producer
from services.runtime.records import Output
from services.runtime.settings_reader import SettingsReader
from tests.component.runtime.workers import until

pytestmark = pytest.mark.component


@pytest.fixture
def publish(stack):
    producer = Producer(stack.environ["MAILWEAVE_KAFKA"], "test")

    def send(key, version, value, raw=None):
        record = {
            "key": key,
            "version": version,
            "author": "test",
            "time": datetime.now(UTC),
            "reason": "",
            "value": None if value is None else json.dumps(value),
        }
        producer.send_all([Output("settings", key.encode(), raw or encode("SettingsRecord", record))])

    yield send
    # The topic is shared by all tests of the stack: leave the defaults in force.
    send("organization", 10_000, None)
    producer.close()


def test_the_newest_valid_settings_are_in_force(stack, publish):
    """Start blocks until the end was read; changes come while running; what is invalid or old changes nothing."""
    servers = stack.environ["MAILWEAVE_KAFKA"]
    publish("organization", 9_001, {"message.maxMb": 7})
    heard: list[Any] = []
    health = Health("fetcher")
    reader = SettingsReader("fetcher", servers, health, changed=heard.append)
    reader.start()
    try:
        assert reader.snapshot.organization.message_max_mb == 7
        assert "settings" not in health.reasons()

        publish("organization", 9_002, {"message.maxMb": 8})
        until(lambda: reader.version == 9_002)
        publish("organization", 9_001, {"message.maxMb": 7})
        publish("organization", 9_003, {"message.maxMb": 9_999})
        publish("organization", 9_003, {"no.such.key": 1})
        publish("nonsense", 9_003, {})
        publish("organization", 9_003, None, raw=b"no record")
        publish("organization", 9_004, {"message.maxMb": 9})
        until(lambda: reader.version == 9_004)

        assert [s.organization.message_max_mb for s in heard[-3:]] == [7, 8, 9]
    finally:
        reader.stop()
    assert reader.snapshot.organization.message_max_mb == 9


def test_a_stop_before_the_settings_are_read_is_heard():
    """Kafka is away at the start: the reader keeps asking, the loop beats, and SIGTERM is obeyed."""
    stopping = threading.Event()
    threading.Timer(0.5, stopping.set).start()
    health = Health("fetcher")
    reader = SettingsReader("fetcher", "127.0.0.1:1", health)

    with pytest.raises(Stop):
        reader.start(stopping)
    assert health.live()
    assert "settings" in health.reasons()
    reader.stop()
