"""Producer, drainer and live status on real servers."""

import time
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
from redis import Redis

from services.contracts import codec
from services.domain.errors import Reject, Retry
from services.runtime.dead_letters import DeadLetters
from services.runtime.drainer import Drainer
from services.runtime.health import Health
from services.runtime.producer import RECORD_BYTES, Producer
from services.runtime.records import Input, Output, Rejected
from services.runtime.status import Counters, StatusWriter, running
from services.storage import outbox
from services.storage.postgres import Database
from tests.component.runtime.workers import until

pytestmark = pytest.mark.component


def test_send_all_returns_when_everything_is_there(kafka):
    topic = kafka.topic(partitions=1)
    producer = Producer(kafka.servers, "test")

    producer.send_all([Output(topic, b"k", str(n).encode(), {"origin-time": b"now"}) for n in range(100)])

    assert [value for _, value, _ in kafka.read(topic)] == [str(n).encode() for n in range(100)]
    with pytest.raises(Reject):
        producer.send_all([Output(topic, b"k", b"x" * (RECORD_BYTES + (1 << 20)))])
    producer.close()


def test_a_broker_that_is_away_is_worth_a_retry():
    producer = Producer("127.0.0.1:1", "test")

    with pytest.raises(Retry):
        producer.send_all([Output("t", b"k", b"v")])


def test_the_outbox_reaches_kafka_in_order(kafka, stack):
    topic = kafka.topic(partitions=1)
    postgres = stack.environ["MAILWEAVE_POSTGRES"]
    health = Health("resolver")
    drainer = Drainer("resolver", "resolver", postgres, kafka.servers, health)
    drainer.start()
    database = Database(postgres, "resolver")
    for n in range(50):
        with database.transaction() as connection:
            outbox.append(connection, "resolver", [outbox.OutboxRow(topic, b"k", str(n).encode(), {"h": "v"})])
        drainer.nudge()
    database.close()

    until(lambda: len(kafka.read(topic)) == 50)
    assert kafka.read(topic) == [(b"k", str(n).encode(), {"h": b"v"}) for n in range(50)]
    drainer.stop()
    with psycopg.connect(postgres) as connection:
        left = connection.execute("SELECT count(*) FROM resolver.outbox WHERE topic = %s", (topic,)).fetchone()
    assert left == (0,)


def test_a_dead_letter_is_written_once(stack, kafka):
    """A record that is delivered again after a crash is not announced again; bytes that are no text do no harm."""
    topic = kafka.topic()
    postgres = stack.environ["MAILWEAVE_POSTGRES"]
    letters = DeadLetters(Database(postgres, "resolver"), "resolver")
    rejected = Rejected(Input(topic, 0, 7, None, b"\x00\xff", {}), "unwanted", "with \0 in it")

    letters.write([rejected], 1)
    letters.write([rejected], 1)

    with psycopg.connect(postgres) as connection:
        rows = connection.execute("SELECT detail FROM resolver.dead_letter WHERE topic = %s", (topic,)).fetchall()
        sent = connection.execute("SELECT count(*) FROM resolver.outbox WHERE topic = %s", (f"{topic}-dead",))
        assert sent.fetchone() == (1,)
        connection.execute("DELETE FROM resolver.outbox WHERE topic = %s", (f"{topic}-dead",))
    assert rows == [("with \N{REPLACEMENT CHARACTER} in it",)]


def test_a_dead_letter_names_the_delivery_it_tells_of(stack, kafka):
    """Else `wait` and `verify` could not tell that the delivery was accounted for."""
    topic, delivery = kafka.topic(), uuid4()
    value = codec.encode("MailDecided", decided(delivery))
    letters = DeadLetters(Database(stack.environ["MAILWEAVE_POSTGRES"], "resolver"), "resolver")

    letters.write([Rejected(Input(topic, 0, 7, None, value, {}), "handler_error", "made up")], 1)

    with psycopg.connect(stack.environ["MAILWEAVE_POSTGRES"]) as connection:
        row = connection.execute("SELECT delivery_id FROM resolver.dead_letter WHERE topic = %s", (topic,)).fetchone()
        connection.execute("DELETE FROM resolver.outbox WHERE topic = %s", (f"{topic}-dead",))
    assert (delivery,) == row


def decided(delivery):
    texts = dict.fromkeys(("mailbox", "folder", "message_id", "message_key", "outcome", "method", "code_version"), "x")
    numbers = dict.fromkeys(("version", "settings_version", "graph_version"), 1)
    nothing = dict.fromkeys(("activity_id", "accepted_by"))
    return {"delivery_id": str(delivery), **texts, **numbers, **nothing, "decided_at": datetime.now(UTC)}


def test_a_process_is_seen_while_it_lives(stack):
    url = stack.environ["MAILWEAVE_REDIS"]
    redis, counters = Redis.from_url(url), Counters()
    version = [1]
    writer = StatusWriter(url, "fetcher", "test-1", metrics_port=99, counters=counters, version=lambda: version[0])
    writer.start()

    def mine():
        return next((s for s in running(redis) if s.instance == "test-1"), None)

    until(mine)
    counters.add(taken=3, produced=2, rejected=1)
    counters.error("cannot log in as anna@example.org")
    version[0] = 5
    began = time.monotonic()
    writer.poke()
    until(lambda: mine().settings_version == 5)
    assert time.monotonic() - began < 0.9

    seen = mine()
    assert (seen.taken, seen.produced, seen.rejected, seen.metrics_port) == (3, 2, 1, 99)
    assert seen.last_error == "cannot log in as [address]"
    assert 0 < redis.ttl("mailweave:status:fetcher:test-1") <= 15
    writer.stop()
    assert mine() is None
