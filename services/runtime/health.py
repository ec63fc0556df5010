"""
The health port: ``/metrics``, ``/live`` (the main loop beats) and ``/ready`` (the service can do its work).

Live and ready answer different questions on purpose: a store that is down makes a service unready, but killing the
process would not bring the store back.
"""

import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from services.runtime import metrics

log = logging.getLogger(__name__)

BEAT_LIMIT_SECONDS = 30.0


class Health:
    """What is known of this process's health. Thread-safe."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._beat = time.monotonic()
        self._reasons: dict[str, str] = {"start": "starting"}
        metrics.LOOP_BEAT_AGE_SECONDS.labels(service).set_function(self.beat_age)
        metrics.READY.labels(service).set_function(lambda: not self.reasons())

    def beat(self) -> None:
        """Say that the main loop lives."""
        self._beat = time.monotonic()

    def beat_age(self) -> float:
        """Return the seconds since the main loop last showed life."""
        return time.monotonic() - self._beat

    def live(self) -> bool:
        """Whether the main loop still turns, be it in a back-off."""
        return self.beat_age() < BEAT_LIMIT_SECONDS

    def unready(self, what: str, why: str) -> None:
        """Turn readiness red for this reason until ``ready`` is said of the same thing."""
        with self._lock:
            self._reasons[what] = why

    def ready(self, what: str) -> None:
        """Take back one reason; the service is ready when none is left."""
        with self._lock:
            self._reasons.pop(what, None)

    def reasons(self) -> dict[str, str]:
        """Return why the service is not ready; empty when it is."""
        with self._lock:
            return dict(self._reasons)


class HealthServer:
    """Serves health and metrics from a thread of its own, so that it answers whatever the service does."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        self._server = ThreadingHTTPServer((host, port), _handler(health))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # a client that says nothing must not hold a thread for ever

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(REGISTRY))
            elif path == "/live":
                self._say(health.live(), {"beat_age_seconds": round(health.beat_age(), 3)})
            elif path == "/ready":
                reasons = health.reasons()
                self._say(not reasons, {"waiting_for": reasons})
            else:
                self._answer(404, "text/plain", b"not found\n")

        def _say(self, well: bool, body: dict[str, object]) -> None:  # noqa: FBT001 - the status in one word
            text = json.dumps({"ok": well, **body}).encode() + b"\n"
            self._answer(200 if well else 503, "application/json", text)

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            log.debug(format, *args)

    return Handler
