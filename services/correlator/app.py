"""Wiring of the correlator: topics, graph, likeness, outbox."""

import threading
from collections.abc import Sequence
from functools import partial

import faust

from services.correlator import commands
from services.correlator.handlers import correlate
from services.correlator.likeness import Likeness
from services.correlator.likeness_retention import forget
from services.correlator.store import GraphStore
from services.runtime.kafka import stage, worker
from services.runtime.records import Batch, Output
from services.runtime.retention import retain
from services.runtime.runtime import Runtime
from services.storage.cache import redis_client
from services.storage.postgres import Database


def build(runtime: Runtime) -> faust.App:
    """Return the Faust app of the correlator."""
    config = runtime.config
    token_keys = config.token_keys
    outbox = runtime.drainer("correlator")
    database, for_commands = Database(config.postgres, "correlator"), Database(config.postgres, "correlator")
    graph = GraphStore(database, announced=outbox.nudge)
    likeness = Likeness(database, redis_client(config.redis), config.hash_key)
    old = Database(config.postgres, "correlator")
    forgetting = (partial(forget, old), "old smart-match keys", runtime.stopping)
    threading.Thread(target=retain, args=forgetting, name="retention", daemon=True).start()

    def handle(batch: Batch) -> Sequence[Output]:
        return correlate(batch, graph=graph, hash_key=config.hash_key, token_keys=token_keys, likeness=likeness)

    def carry_out(batch: Batch) -> Sequence[Output]:
        return commands.carry_out(
            batch,
            database=for_commands,
            hash_key=config.hash_key,
            announced=outbox.nudge,
        )

    app = worker("correlator", config)
    stage(app, "mail-received", handle, runtime=runtime)
    stage(app, commands.TOPIC, carry_out, runtime=runtime)
    return app
