"""The stage without Faust: nothing is lost, what fails is offered again, what can never succeed lies among the dead."""

import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from kafka.consumer.fetcher import Fetcher

from services.cli import stack as local
from services.domain.errors import Retry
from services.runtime import lag
from services.runtime.health import Health
from services.runtime.status import Counters
from services.runtime.thread_stage import ThreadStage
from tests.component.runtime.workers import until

pytestmark = pytest.mark.component


@pytest.fixture
def runtime(stack):
    stopping = threading.Event()
    failures: list[Exception] = []

    def fail(error):
        failures.append(error)
        stopping.set()

    made = SimpleNamespace(
        service="fetcher", config=stack.config, stopping=stopping, health=Health("fetcher"), counters=Counters(),
        failures=failures, fail=fail,
    )  # fmt: skip
    yield made
    stopping.set()


def behind(stack, topic):
    return sum(one.records for one in lag.lag(stack.environ["MAILWEAVE_KAFKA"], "fetcher", [topic]))


def test_every_record_is_handled_and_only_then_committed(stack, kafka, runtime):
    topic, seen, tries = kafka.topic(), [], []
    kafka.produce(topic, [b"%d" % n for n in range(20)])

    def handle(batch):
        tries.append(1)
        if len(tries) <= 2:
            raise Retry("the world fails")
        for given in batch:
            if given.value == b"7":
                batch.reject(given, "unwanted", "seven")
            else:
                seen.append(int(given.value))
        return []

    stage = ThreadStage(topic, handle, runtime)
    stage.start()
    until(lambda: behind(stack, topic) == 0)

    assert set(range(20)) - {7} == set(seen)
    with psycopg.connect(stack.environ["MAILWEAVE_POSTGRES"]) as connection:
        dead = connection.execute("SELECT code FROM fetcher.dead_letter WHERE topic = %s", (topic,)).fetchall()
        connection.execute("DELETE FROM fetcher.dead_letter WHERE topic = %s", (topic,))
        connection.execute("DELETE FROM fetcher.outbox WHERE topic = %s", (f"{topic}-dead",))
    assert [("unwanted",)] == dead
    assert [] == runtime.failures


def test_what_was_not_finished_is_offered_to_the_next_process(stack, kafka, runtime):
    topic = kafka.topic(partitions=1)
    seen: list[bytes] = []
    kafka.produce(topic, [b"a", b"b"])

    def never(_):
        runtime.stopping.set()
        raise Retry("the process is stopped in the middle of it")

    first = ThreadStage(topic, never, runtime)
    first.start()
    assert runtime.stopping.wait(30)
    until(lambda: not first._thread.is_alive())

    def remember(batch):
        seen.extend(given.value for given in batch)
        return []

    runtime.stopping = threading.Event()
    second = ThreadStage(topic, remember, runtime)
    second.start()
    until(lambda: len(seen) == 2)
    runtime.stopping.set()

    assert [b"a", b"b"] == seen


@pytest.mark.parametrize("broken", [False, True], ids=["bad records", "bad code"])
def test_a_stage_that_stops_itself_ends_alone_and_says_why(stack, kafka, runtime, monkeypatch, broken):
    """What the service does beside the stage goes on."""
    topic = kafka.topic(partitions=1)
    kafka.produce(topic, [b"bad"] * 101)

    def reject(batch):
        for given in batch:
            batch.reject(given, "unwanted", "bad")
        return []

    def breaks():
        raise ValueError("secret")

    stage = ThreadStage(topic, reject, runtime)
    if broken:
        monkeypatch.setattr(stage, "_consumer", breaks)
    stage.start()
    until(lambda: not stage._thread.is_alive())

    assert not runtime.stopping.is_set()
    assert [] == runtime.failures
    why = "ValueError" if broken else "101 records in a row were rejected, the last as unwanted"
    assert {f"topic {topic}": f"the stage has stopped itself: {why}"} == {
        what: said for what, said in runtime.health.reasons().items() if what != "start"
    }
    assert why in runtime.counters.last_error
    with psycopg.connect(stack.environ["MAILWEAVE_POSTGRES"]) as connection:
        connection.execute("DELETE FROM fetcher.dead_letter WHERE topic = %s", (topic,))
        connection.execute("DELETE FROM fetcher.outbox WHERE topic = %s", (f"{topic}-dead",))


def test_a_broker_that_does_not_answer_is_waited_for(stack, kafka, runtime, monkeypatch):
    """The client would ask itself for records some thousand times a second, and remember each time."""
    topic = kafka.topic(partitions=1)
    seen: list[bytes] = []
    asked: list[int] = []
    fetch = Fetcher.fetch_records

    def counted(fetcher, *args, **options):
        asked.append(1)
        return fetch(fetcher, *args, **options)

    def remember(batch):
        seen.extend(given.value for given in batch)
        return []

    monkeypatch.setattr(Fetcher, "fetch_records", counted)
    kafka.produce(topic, [b"before"])
    ThreadStage(topic, remember, runtime).start()
    until(lambda: seen == [b"before"])

    home = Path(stack.environ["MAILWEAVE_HOME"])
    local.kill(home, "kafka", signal.SIGSTOP)
    try:
        before = len(asked)
        time.sleep(6)  # a heartbeat is due every 3 s
        during = len(asked) - before
    finally:
        local.kill(home, "kafka", signal.SIGCONT)
    kafka.produce(topic, [b"after"])
    until(lambda: seen == [b"before", b"after"])

    assert during < 100
