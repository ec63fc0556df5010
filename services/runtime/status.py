"""The live status of every process, in Redis: written each second, gone 15 seconds after the process."""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.domain.errors import Retry
from services.runtime.logs import ADDRESS, REDACTED
from services.storage.cache import redis_client, world

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

PREFIX = "mailweave:status:"
TTL_SECONDS = 15
BEAT_SECONDS = 1.0
SILENT_SECONDS = 3.5


@dataclass(slots=True)
class Counters:
    """What a process has done so far. Written by the stages, read by the status thread."""

    taken: int = 0
    produced: int = 0
    rejected: int = 0
    last_error: str = ""
    last_error_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, taken: int = 0, produced: int = 0, rejected: int = 0) -> None:
        """Count records."""
        with self._lock:
            self.taken += taken
            self.produced += produced
            self.rejected += rejected

    def error(self, text: str) -> None:
        """Remember the last error, without addresses."""
        self.last_error = ADDRESS.sub(REDACTED, text)[:500]
        self.last_error_at = time.time()


@dataclass(frozen=True, slots=True)
class Status:
    """One live process, as it described itself within the last 15 seconds."""

    service: str
    instance: str
    settings_version: int
    started: float
    pid: int
    metrics_port: int
    taken: int
    produced: int
    rejected: int
    last_error: str
    last_error_at: float
    seen: float
    waiting_for: str

    @property
    def silent(self) -> bool:
        """Whether it has missed several beats: killed, stopped or cut off."""
        return time.time() - self.seen > SILENT_SECONDS


class StatusWriter:
    """Says each second, and at once after ``poke``, that this process lives. Without Redis only the display suffers."""

    def __init__(
        self,
        url: str,
        service: str,
        instance: str,
        *,
        metrics_port: int,
        counters: Counters,
        version: Callable[[], int],
        waiting_for: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._redis = redis_client(url)
        self._key = f"{PREFIX}{service}:{instance}"
        self._fixed = {"started": str(time.time()), "pid": str(os.getpid()), "metrics_port": str(metrics_port)}
        self._counters = counters
        self._version = version
        self._waiting_for = waiting_for
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def poke(self) -> None:
        """Write at once."""
        self._wake.set()

    def stop(self) -> None:
        """Take the status away, so that nobody waits for the time-out to see that the process is gone."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._guard(self._write)
            self._wake.wait(BEAT_SECONDS)
            self._wake.clear()
        self._guard(self._remove)

    def _guard(self, step: Callable[[], None]) -> None:
        try:
            with world():
                step()
        except Retry as error:
            if not self._failing:
                log.warning("status cannot be written: %s", error)
            self._failing = True
        except Exception:
            log.exception("status cannot be written")
        else:
            self._failing = False

    def _write(self) -> None:
        counters = self._counters
        values: dict[Any, Any] = {  # redis types its keys by invariant unions
            **self._fixed,
            "settings_version": str(self._version()),
            "in": str(counters.taken),
            "out": str(counters.produced),
            "rejected": str(counters.rejected),
            "last_error": counters.last_error,
            "last_error_at": str(counters.last_error_at),
            "seen": str(time.time()),
            "waiting_for": "; ".join(f"{what}: {why}" for what, why in sorted(self._waiting_for().items())),
        }
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(self._key, mapping=values)
            pipeline.expire(self._key, TTL_SECONDS)
            pipeline.execute()

    def _remove(self) -> None:
        self._redis.delete(self._key)


def running(redis: "Redis") -> list[Status]:
    """Return every process that lives, by service and instance; ``Retry`` when Redis cannot be asked."""
    found = []
    with world():
        for key in sorted(_text(k) for k in redis.scan_iter(match=PREFIX + "*", count=100)):
            values = {_text(name): _text(value) for name, value in redis.hgetall(key).items()}
            # A process may have gone between the two questions.
            if values:
                found.append(_status(key, values))
    return found


def _status(key: str, values: dict[str, str]) -> Status:
    service, _, instance = key.removeprefix(PREFIX).partition(":")
    return Status(
        service=service,
        instance=instance,
        settings_version=int(values["settings_version"]),
        started=float(values["started"]),
        pid=int(values["pid"]),
        metrics_port=int(values["metrics_port"]),
        taken=int(values["in"]),
        produced=int(values["out"]),
        rejected=int(values["rejected"]),
        last_error=values["last_error"],
        last_error_at=float(values["last_error_at"]),
        seen=float(values["seen"]),
        waiting_for=values["waiting_for"],
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
