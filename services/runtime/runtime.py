"""What a running service holds: config, settings, counters, health, drainers, and whether it is asked to stop."""

import logging
import os
import socket
import threading

from services.contracts.topics import catalogue
from services.runtime import crash, logs, metrics
from services.runtime.config import Config
from services.runtime.drainer import Drainer
from services.runtime.health import Health, HealthServer
from services.runtime.settings_reader import TOPIC, SettingsReader
from services.runtime.status import Counters, StatusWriter

log = logging.getLogger(__name__)


class Runtime:
    """The shared edge of one process, given to whoever builds the service. Thread-safe."""

    def __init__(self, service: str, config: Config) -> None:
        self.service = service
        self.config = config
        self.instance = f"{socket.gethostname()}-{os.getpid()}"
        self.counters = Counters()
        self.stopping = threading.Event()
        self.failure: Exception | None = None
        self.health = Health(service)
        self.settings = SettingsReader(service, config.kafka, self.health, changed=lambda _: self._status.poke())
        self._server = HealthServer(self.health, config.metrics_host, config.metrics_port)
        self._status = StatusWriter(
            config.redis,
            service,
            self.instance,
            metrics_port=self._server.port,
            counters=self.counters,
            version=lambda: self.settings.version,
            waiting_for=self.health.reasons,
        )
        self._drainers: dict[str, Drainer] = {}

    @property
    def metrics_port(self) -> int:
        """The port of ``/metrics``, ``/live`` and ``/ready``."""
        return self._server.port

    def start(self) -> None:
        """Open the edge and block until the settings are read; ``Stop`` when asked to stop before."""
        logs.configure(self.service, self.instance, self.config.log_level, lambda: self.settings.version)
        crash.arm(self.config.crash_at)
        topics = catalogue().values()
        metrics.prepare(
            self.service,
            consumes=[t.name for t in topics if self.service in t.consumers and t.name != TOPIC],
            produces=[t.name for t in topics if self.service in t.producers],
        )
        self._server.start()
        self._status.start()
        self.settings.start(self.stopping)
        log.info("settings are read", extra={"metrics_port": self.metrics_port})

    def drainer(self, schema: str) -> Drainer:
        """Return the running drainer of this schema's outbox; the first call starts it."""
        if schema not in self._drainers:
            self._drainers[schema] = Drainer(self.service, schema, self.config.postgres, self.config.kafka, self.health)
            self._drainers[schema].start()
        return self._drainers[schema]

    def fail(self, error: Exception) -> None:
        """End this process because of this error; the first one counts."""
        if self.failure is None:
            self.failure = error
            self.counters.error(f"{type(error).__name__}: {error}")
        self.stop()

    def stop(self) -> None:
        """Ask the service to finish what it does and end."""
        self.health.unready("stop", "stopping")
        self.stopping.set()

    def close(self) -> None:
        """Close the edge. Drainers first: they still send what the last batch committed."""
        for drainer in self._drainers.values():
            drainer.stop()
        self.settings.stop()
        self._status.stop()
        self._server.stop()
