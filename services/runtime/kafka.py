"""
Faust, as this project uses it: a worker per process and one agent per topic that takes batches.

At least once, never ``exactly_once``: decision and figures in design.md section 6.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import faust

from services.runtime.agents import Stage
from services.runtime.batches import Handle
from services.runtime.config import Config
from services.runtime.draining import LeanConsumer
from services.runtime.runtime import Runtime

A_DAY = 86_400.0
BUFFERED_RECORDS = 1000


def _private_folder(service: str, home: Path) -> Path:
    """Make a folder inside the home, so that what a killed process leaves goes with it; elsewhere without one."""
    folder = home / "run"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{service}-", dir=folder))
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"mailweave-{service}-"))


def worker(service: str, config: Config, data: Path | None = None) -> faust.App:
    """
    Return a Faust app named for the service; its consumer group has the same name.

    ``data`` is a private folder that the caller removes; Faust writes nothing of value there.
    """
    app = faust.App(
        service,
        broker=[f"kafka://{server.strip()}" for server in config.kafka.split(",")],
        autodiscover=False,
        store="memory://",
        datadir=data or _private_folder(service, config.home),
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,  # no tables, so no need of Faust's own assignor
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        broker_request_timeout=30.0,
        # A store may be down for hours; the worker keeps its partitions and its heartbeat meanwhile.
        broker_max_poll_interval=A_DAY,
        broker_max_poll_records=500,
        stream_buffer_maxsize=BUFFERED_RECORDS,  # Faust: 4096, 50 MB of mail
        broker_commit_interval=1.0,
        consumer_max_fetch_size=1 << 20,
        stream_wait_empty=True,
        worker_redirect_stdouts=False,
    )
    app.transport.Consumer = LeanConsumer
    return app


def stage(
    app: faust.App,
    topic: str,
    handle: Handle,
    *,
    runtime: Runtime,
    gate: Callable[[], bool] | None = None,
) -> None:
    """
    Register the agent of one topic: batches of up to 500 records, one at a time, in a worker thread of its own.

    ``handle(batch)`` is synchronous and is called again with the same records after ``Retry``, after a crash and
    after a rebalance, so it must be idempotent. Before ``gate`` has once returned true nothing is taken from the
    topic; it is asked every 20 ms in the event loop, so it must answer from memory.
    """
    agent = Stage(app, topic, handle, runtime, gate)
    app.agent(app.topic(topic, key_type=bytes, value_type=bytes), name=f"{runtime.service}-{topic}", concurrency=1)(
        agent.consume
    )
