"""The service processes of a run, two of each service, and the supervisor that starts again what has died."""

import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from services.cli import session
from services.cli.stack.processes import Process, alive, gone, send, spawn
from services.runtime.config import Config

COUNT = 2
LOOK_SECONDS = 0.3
STOP_SECONDS = 12.0
READY_SECONDS = 90.0


class Replicas:
    """
    What runs. A process that dies is started anew after a moment, without its crash point, as Kubernetes would.

    ``source`` is the folder that holds the package ``services``.
    """

    def __init__(self, home: Path, environ: Mapping[str, str], source: Path) -> None:
        self._home = home
        self._environ = {**environ, "PYTHONPATH": str(source), "PYTHONUNBUFFERED": "1"}
        self._processes: dict[str, Process] = {}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self.deaths: list[str] = []
        """Whoever had to be started again, in order."""

    def start(self) -> None:
        for service in session.SERVICES:
            for name in self.names(service):
                self._spawn(name, "")
        self._supervisor.start()

    def until_ready(self, config: Config) -> None:
        """Return when every replica says that it works."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            ready = {one.pid for one in session.running(config) if session.ready(config, one)}
            late = [name for name, process in self._processes.items() if process.pid not in ready]
            if not late:
                return
            assert time.monotonic() < deadline, f"not ready after {READY_SECONDS:.0f} s: {late}"
            time.sleep(LOOK_SECONDS)

    @staticmethod
    def names(service: str) -> list[str]:
        return [f"{service}-{number}" for number in range(1, COUNT + 1)]

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        send(self._processes[name], signal.SIGKILL)

    def pause(self, name: str) -> bool:
        """Stop a process from running; false when it is dead just now."""
        return send(self._processes[name], signal.SIGSTOP)

    def resume(self, name: str) -> None:
        send(self._processes[name], signal.SIGCONT)

    def arm(self, service: str, crash_point: str) -> dict[str, int]:
        """Replace every replica by one that dies at the crash point; return their pids by name."""
        names = self.names(service)
        with self._lock:
            for name in names:
                send(self._processes[name], signal.SIGKILL)
            gone([self._processes[name] for name in names], seconds=10)
            for name in names:
                self._spawn(name, crash_point)
            return {name: self.pid(name) for name in names}

    def died(self, armed: Mapping[str, int]) -> list[str]:
        """Return which of these have died or are another process by now."""
        return [name for name, pid in armed.items() if self.pid(name) != pid or not alive(self._processes[name])]

    def disarm(self, armed: Mapping[str, int]) -> None:
        """Kill what still carries a crash point; the supervisor starts it without one."""
        for name in set(armed) - set(self.died(armed)):
            self.kill(name)

    def close(self) -> None:
        """End all of them, politely first."""
        self._ending.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        living = list(self._processes.values())
        for process in living:
            send(process, signal.SIGCONT)
            send(process, signal.SIGTERM)
        if not gone(living, seconds=STOP_SECONDS):
            for process in living:
                send(process, signal.SIGKILL)
            gone(living, seconds=STOP_SECONDS)

    def _spawn(self, name: str, crash_point: str) -> None:
        # Without -P the working folder would come before PYTHONPATH, and another source would run.
        command = [sys.executable, "-P", "-m", f"services.{name.rpartition('-')[0]}"]
        environ = {**self._environ, "MAILWEAVE_CRASH_AT": crash_point}
        self._processes[name] = spawn(command, log=self._home / "log" / f"{name}.log", environ=environ)

    def _supervise(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            with self._lock:
                for name, process in list(self._processes.items()):
                    if not alive(process):
                        self.deaths.append(name)
                        self._spawn(name, "")
