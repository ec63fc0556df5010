"""Apache Kafka, one KRaft node, from Maven Central: the topics."""

import base64
import logging
import shutil
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from services.cli.stack.errors import NoAnswerError
from services.cli.stack.kafka_software import jars, java
from services.cli.stack.paths import PACKAGE
from services.cli.stack.ports import HOST
from services.cli.stack.programs import run
from services.cli.stack.server import Server, Site

_LARGEST = 8 * 1024 * 1024


class Kafka(Server):
    """An acknowledged record survives a kill; a killed broker is back within seconds."""

    name: ClassVar[str] = "kafka"
    title: ClassVar[str] = "Kafka"
    variable: ClassVar[str] = "MAILWEAVE_KAFKA"
    ports: ClassVar[tuple[str, ...]] = ("kafka", "kafka-controller")
    ready_seconds: ClassVar[float] = 90

    def prepare(self, site: Site) -> Sequence[str]:
        """Fetch the jars once per clone, format the log folder once per home."""
        program = java(site)
        libraries = jars(site)
        folder = site.folder(self.name)
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "server.properties"
        config.write_text(_properties(site, folder / "data"), "utf-8")
        made = folder / "made"
        if not made.exists():
            shutil.rmtree(folder / "data", ignore_errors=True)
            run(
                [
                    *(program, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{libraries}/*"),
                    f"-Dlog4j2.configurationFile={PACKAGE / 'log4j2.properties'}",
                    *("kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(config)),
                ],
                environ=site.server_environ(),
                what="Formatting Kafka's log folder",
                seconds=120,
            )
            made.touch()
        return [
            # Of a broker that lives for minutes the second compiler takes more CPU than it ever saves: 0.29 s per 1,000
            # mails with it, 0.15 without.
            *(program, "-Xms128m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"),
            *("-cp", f"{libraries}/*"),
            f"-Dlog4j2.configurationFile={PACKAGE / 'log4j2.properties'}",
            *("kafka.Kafka", str(config)),
        ]

    def address(self, site: Site) -> str:
        """The bootstrap server."""
        return site.address("kafka")

    def ask(self, address: str, *, seconds: float) -> None:
        """Ask for the cluster's brokers: one must be in service, not fenced."""
        servers = [server.strip() for server in address.split(",") if server.strip()]
        _reachable(servers, seconds=seconds)
        try:
            with _quiet():
                admin = KafkaAdminClient(
                    bootstrap_servers=servers,
                    bootstrap_timeout_ms=int(seconds * 1000),
                    request_timeout_ms=int(seconds * 1000),
                )
                try:
                    brokers = admin.describe_cluster()["brokers"]
                finally:
                    admin.close()
        except (KafkaError, OSError, ValueError) as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}") from error
        if all(broker.get("is_fenced") for broker in brokers):
            raise NoAnswerError("The cluster has no broker in service.")


def _properties(site: Site, data: Path) -> str:
    controller = f"{HOST}:{site.ports['kafka-controller']}"
    return "\n".join(
        [
            "process.roles=broker,controller",
            "node.id=1",
            f"controller.quorum.voters=1@{controller}",
            f"listeners=PLAINTEXT://{site.address('kafka')},CONTROLLER://{controller}",
            f"advertised.listeners=PLAINTEXT://{site.address('kafka')}",
            "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            f"log.dirs={data}",
            "auto.create.topics.enable=false",
            "offsets.topic.replication.factor=1",
            "offsets.topic.num.partitions=8",
            "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1",
            "transaction.state.log.num.partitions=4",
            "share.coordinator.state.topic.replication.factor=1",
            "share.coordinator.state.topic.min.isr=1",
            "group.initial.rebalance.delay.ms=0",
            # A killed broker registers again when its old session is over.
            "broker.session.timeout.ms=3000",
            "broker.heartbeat.interval.ms=500",
            f"message.max.bytes={_LARGEST}",
            f"replica.fetch.max.bytes={_LARGEST}",
            # One topic of a few megabytes is compacted at a time; the default buffer is half the heap.
            "log.cleaner.dedupe.buffer.size=16777216",
            "",
        ]
    )


def _cluster_id() -> str:
    # The leading letter keeps the id from looking like an option.
    return "m" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")[1:]


def _reachable(servers: Sequence[str], *, seconds: float) -> None:
    """Whether any of the servers accepts a connection; the client would try in vain for long, and loudly."""
    failure = "no server is named"
    for server in servers:
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=seconds).close()
        except (OSError, ValueError) as error:
            failure = f"{server}: {error}"
        else:
            return
    raise NoAnswerError(failure)


@contextmanager
def _quiet() -> Iterator[None]:
    # Connections that fail while a server starts are no news, and the caller hears of the failure anyway.
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
