"""Wiring of the alerter: topic, alerts, outbox."""

import threading
from functools import partial

import faust

from services.alerter.addressing import Readdressing, addressed
from services.alerter.handlers import alert, levels
from services.alerter.reporting import Reporter
from services.alerter.retention import Retention
from services.alerter.store import AlertStore
from services.runtime.kafka import stage, worker
from services.runtime.retention import retain
from services.runtime.runtime import Runtime
from services.runtime.signals import TOPIC
from services.storage.postgres import Database


def build(runtime: Runtime) -> faust.App:
    """Return the Faust app of the alerter."""
    outbox = runtime.drainer("alerter")

    def store() -> AlertStore:
        return AlertStore(
            Database(runtime.config.postgres, "alerter"),
            announced=outbox.nudge,
            addressed=lambda key: addressed(key, runtime.settings.snapshot),
        )

    app = worker("alerter", runtime.config)
    reporter = Reporter(runtime.config, lambda: runtime.settings.snapshot)
    threading.Thread(target=reporter.run, args=(runtime.stopping,), name="reporter", daemon=True).start()

    def days() -> int:
        return runtime.settings.snapshot.organization.alerts_retention_days

    retention = Retention(Database(runtime.config.postgres, "alerter"), days)
    forgetting = partial(retain, retention.forget, "old alerts", runtime.stopping, days=days)
    threading.Thread(target=forgetting, name="retention", daemon=True).start()
    readdressing = Readdressing(store(), lambda: runtime.settings.version)
    threading.Thread(target=readdressing.run, args=(runtime.stopping,), name="readdressing", daemon=True).start()
    handle = partial(alert, alerts=store(), shown=lambda: levels(runtime.settings.snapshot.organization))
    stage(app, TOPIC, handle, runtime=runtime)
    return app
