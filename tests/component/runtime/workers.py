"""Starts and watches processes of ``program.py``."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import psycopg
from kafka import KafkaConsumer, TopicPartition
from redis import Redis

from services.contracts.codec import decode
from services.runtime import admin, lag
from services.runtime.producer import Producer
from services.runtime.records import Output
from services.runtime.status import Status, running

CHECKOUT = Path(__file__).parents[3]


def until(what: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Return what ``what`` returns as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} stayed false for {seconds} s")


class Kafka:
    """Topics of one test."""

    def __init__(self, servers: str) -> None:
        self.servers = servers
        self._producer = Producer(servers, "test")

    def topic(self, partitions: int = 4) -> str:
        name = f"test-{uuid.uuid4().hex[:12]}"
        with admin.client(self.servers) as client:
            # Without its dead-letter topic a reject would hold up the outbox of the whole stack.
            orders = {name: partitions, f"{name}-dead": 1}
            client.create_topics(
                {n: {"num_partitions": p, "replication_factor": 1} for n, p in orders.items()}, wait_for_metadata=True
            )
        return name

    def produce(self, topic: str, values: Iterable[bytes]) -> None:
        self._producer.send_all([Output(topic, str(n).encode(), value) for n, value in enumerate(values)])

    def lag(self, topic: str, group: str = "correlator") -> int:
        return lag.lag(self.servers, group, [topic])[0].records

    def read(self, topic: str) -> list[tuple[bytes, bytes, dict[str, bytes]]]:
        """Return key, value and headers of everything in a topic of one partition."""
        place = TopicPartition(topic, 0)
        consumer = KafkaConsumer(bootstrap_servers=self.servers, group_id=None)
        try:
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            end, found = consumer.end_offsets([place])[place], []
            while consumer.position(place) < end:
                for records in consumer.poll(500).values():
                    found += [(r.key, r.value, dict(r.headers)) for r in records]
            return found
        finally:
            consumer.close()

    def dead(self, topic: str) -> list[dict[str, Any]]:
        """Return the dead letters that were announced for a topic."""
        return [decode(value)[1] for _, value, _ in self.read(f"{topic}-dead")]

    def close(self) -> None:
        self._producer.close()


class Worker:
    """One process of ``program.py``."""

    def __init__(self, environ: Mapping[str, str], folder: Path, **given: Any) -> None:
        self.folder = folder
        self._redis = Redis.from_url(environ["MAILWEAVE_REDIS"])
        self.log = folder / f"log.{uuid.uuid4().hex[:6]}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.component.runtime.program", str(folder), json.dumps(given)],
                cwd=CHECKOUT,
                env=dict(environ),
                stdout=log,
                stderr=log,
            )

    def status(self) -> Status | None:
        return next((s for s in running(self._redis) if s.pid == self.process.pid), None)

    def port(self) -> int:
        return int(until(self.status).metrics_port)

    def http(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port()}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ready(self) -> bool:
        with contextlib.suppress(urllib.error.URLError):
            return self.http("/ready")[0] == 200
        return False

    def terminate(self, within: float = 10.0) -> int:
        """Ask it to stop; the exit code. Fails when it takes longer than it may."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def kept(folder: Path, name: str = "kept") -> list[str]:
    """Return everything that the processes have kept, repetitions included."""
    return [line for path in folder.glob(f"{name}.*") for line in path.read_text().splitlines()]


def hurry(worker: Worker) -> None:
    """Send a second signal."""
    os.kill(worker.process.pid, signal.SIGTERM)


def dead(stack, topic):
    """Return (code, detail, value) of the dead letters of a topic."""
    with psycopg.connect(stack.environ["MAILWEAVE_POSTGRES"]) as connection:
        rows = connection.execute(
            "SELECT code, detail, value FROM correlator.dead_letter WHERE topic = %s", (topic,)
        ).fetchall()
    return [(code, detail, bytes(value)) for code, detail, value in rows]
