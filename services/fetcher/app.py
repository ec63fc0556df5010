"""Wiring: the fetcher's clocks, stores and threads put together."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from services.fetcher import commands
from services.fetcher.authentication import Credential
from services.fetcher.checks import Checker, Ended
from services.fetcher.deliveries import OWNER
from services.fetcher.dispatch import WORKERS, Dispatcher
from services.fetcher.endpoint.server import Server
from services.fetcher.fetching_again import FetchingAgain
from services.fetcher.handover import TOPIC
from services.fetcher.idle_limits import IdleLimits
from services.fetcher.ingest import Ingest
from services.fetcher.leases import Leases
from services.fetcher.listening import Listener
from services.fetcher.outgoing import OutgoingTests
from services.fetcher.polling import Ports
from services.fetcher.settling import Settling
from services.fetcher.tokens import credential_named
from services.runtime import metrics
from services.runtime.config import Config
from services.runtime.producer import Producer
from services.runtime.runtime import Runtime
from services.runtime.thread_stage import ThreadStage
from services.settings.permits import collects
from services.settings.snapshot import Snapshot
from services.storage.blobs import BlobFolder
from services.storage.cache import redis_client, world
from services.storage.postgres import Database

log = logging.getLogger(__name__)

FINISH_SECONDS = 7.0


def now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


@contextmanager
def import_ports(config: Config, collects: Callable[[str], bool]) -> Iterator[Ports]:
    """Give an import the stores and the role that the service has, and close them at the end."""
    database = Database(config.postgres, OWNER)
    producer = Producer(config.kafka, "mailweave-import")
    try:
        blobs = BlobFolder(config.blobs)
        yield Ports(database=database, blobs=blobs, send=producer.send_all, now=now, collects=collects)
    finally:
        producer.close()


class _ThreadPorts:
    """One database connection per thread, the producer and the blob store shared."""

    def __init__(self, config: Config, producer: Producer, collects: Callable[[str], bool]) -> None:
        self._config = config
        self._producer = producer
        self._collects = collects
        self._blobs = BlobFolder(config.blobs)
        self._own = threading.local()

    def __call__(self) -> Ports:
        if not hasattr(self._own, "ports"):
            database = Database(self._config.postgres, OWNER)
            self._own.ports = Ports(
                database=database, blobs=self._blobs, send=self._producer.send_all, now=now, collects=self._collects
            )
        ports: Ports = self._own.ports
        return ports


def _credential(config: Config) -> Callable[[Ports, str], Credential]:
    def named(ports: Ports, name: str) -> Credential:
        return credential_named(ports.database, config.cipher_key, name, now=ports.now, ca_file=config.ca_file)

    return named


Job = Callable[[threading.Event], None]


def _pushed(runtime: Runtime, ports: Callable[[], Ports], produced: Callable[[int], None]) -> dict[str, Job]:
    """Return what takes pushed mail, as far as the config asks for it; the sockets are bound."""
    config = runtime.config
    jobs: dict[str, Job] = {}

    def settings() -> Snapshot:
        return runtime.settings.snapshot

    if config.listen.addresses:
        jobs["listen"] = Listener(config.listen, settings, ports, produced).run
    if config.endpoint.address is not None:
        jobs["endpoint"] = Server(config.endpoint, settings, ports, produced).run
    if (folder := config.ingest) is not None:

        def ingest(stopping: threading.Event) -> None:
            Ingest(
                folder=folder,
                settings=settings,
                ports=ports(),
                produced=produced,
                clock=time.monotonic,
                log_key=config.hash_key,
            ).run(stopping)

        jobs["ingest"] = ingest
    return jobs


@contextmanager
def _beside(runtime: Runtime, jobs: Mapping[str, Job]) -> Iterator[None]:
    """Run each job in a thread of its own; one that breaks ends the process, and a stop waits for them."""

    def run(job: Job) -> None:
        try:
            job(runtime.stopping)
        except Exception as error:
            log.exception("what runs beside the checks broke")
            runtime.fail(error)

    threads = [threading.Thread(target=run, args=(job,), name=name, daemon=True) for name, job in jobs.items()]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(FINISH_SECONDS)


def main(runtime: Runtime, stopping: threading.Event) -> None:
    """Check mailboxes, test outgoing servers, and take pushed mail where the config says so, until asked to stop."""
    config = runtime.config
    producer = Producer(config.kafka, f"fetcher-{runtime.instance}")
    ports = _ThreadPorts(config, producer, lambda mailbox: collects(runtime.settings.snapshot, mailbox))
    runtime.drainer(OWNER)
    limits = IdleLimits(polling=WORKERS)
    checker = Checker(
        settings=lambda: runtime.settings.snapshot,
        ports=ports,
        credential=_credential(config),
        chance=random.SystemRandom().random,
        log_key=config.hash_key,
        ca_file=config.ca_file,
        room=limits.room,
    )

    outgoing = OutgoingTests(
        settings=lambda: runtime.settings.snapshot,
        ports=ports,
        credential=_credential(config),
        chance=random.SystemRandom().random,
        log_key=config.hash_key,
        ca_file=config.ca_file,
    )

    fetching_again = FetchingAgain(
        settings=lambda: runtime.settings.snapshot, ports=ports, credential=_credential(config), ca_file=config.ca_file
    )

    def produced(mails: int) -> None:
        metrics.RECORDS_OUT.labels(runtime.service, TOPIC).inc(mails)
        runtime.counters.add(taken=mails, produced=mails)

    def ended(how: Ended) -> None:
        metrics.MAILBOX_CHECKS.labels(how.code or "ok").inc()
        produced(how.mails)
        if how.world:
            runtime.health.unready("stores", how.code)
        elif how.code not in ("disabled", "fence_lost"):
            runtime.health.ready("stores")

    def beat(redis_error: str | None) -> None:
        runtime.health.beat()
        if redis_error is None:
            runtime.health.ready("redis")
        else:
            runtime.health.unready("redis", redis_error)

    settling = Settling(config.postgres, now)
    owner = f"{runtime.instance}-{uuid4().hex[:8]}"
    leases = Leases(redis_client(config.redis), owner, world=world)
    handle = partial(commands.carry_out, database=Database(config.postgres, OWNER), make_due=leases.make_due, now=now)
    ThreadStage(commands.TOPIC, handle, runtime).start()
    try:
        beside = {
            **_pushed(runtime, ports, produced), "outgoing": outgoing.run, "fetching-again": fetching_again.run
        }  # fmt: skip
        with _beside(runtime, beside):
            Dispatcher(
                leases,
                lambda: runtime.settings.snapshot,
                checker.check,
                ended=ended,
                settle=settling.settle,
                behind=settling.behind,
                limits=limits,
            ).run(stopping, beat)
    finally:
        producer.close()
