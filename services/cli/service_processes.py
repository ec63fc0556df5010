"""The services as processes of this machine: started in sessions of their own, remembered, stopped by pid."""

import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from services.cli.stack.errors import StackError
from services.cli.stack.paths import locked
from services.cli.stack.processes import Process, alive, gone, send, spawn
from services.cli.stack.programs import last_lines
from services.cli.stack.state import write_private

STOP_SECONDS = 10.0  # a service gives up by itself a little earlier
LOG_BYTES = 16_384
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Service:
    """One process: ``name`` is the service with a number, such as ``correlator-2``."""

    name: str
    process: Process

    @property
    def service(self) -> str:
        """Which service it is."""
        return self.name.rpartition("-")[0]

    @property
    def number(self) -> int:
        """Which of the replicas it is, from 1."""
        return int(self.name.rpartition("-")[2])


class Roster:
    """What ``services.json`` in the home remembers. Every change is on disk before the next step."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._path = home / "services.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other commands from starting or stopping services meanwhile."""
        self.home.mkdir(parents=True, exist_ok=True)
        with locked(self.home / ".services.lock"):
            yield

    def all(self) -> list[Service]:
        """Return every remembered process, living or not, by name."""
        try:
            data = json.loads(self._path.read_text("utf-8"))
            return [Service(name, Process(**process)) for name, process in sorted(data.items())]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, AttributeError) as error:
            raise StackError(f"{self._path} cannot be read ({error}). Is it a file of another program?") from error

    def living(self) -> list[Service]:
        """Return the processes that run."""
        return [s for s in self.all() if alive(s.process)]

    def keep(self, services: Sequence[Service]) -> None:
        """Remember exactly these."""
        data = {s.name: asdict(s.process) for s in services}
        write_private(self._path, json.dumps(data, indent=2, sort_keys=True) + "\n")

    def log(self, name: str) -> Path:
        """Return the log file of a service process."""
        return self.home / "log" / f"{name}.log"


def missing(living: Sequence[Service], wanted: Mapping[str, int]) -> list[str]:
    """Return the names to start so that each service has as many processes as wanted; low numbers first."""
    names = {s.name for s in living}
    return [
        name
        for service, count in wanted.items()
        for name in [f"{service}-{n}" for n in range(1, count + 1)]
        if name not in names
    ]


def surplus(living: Sequence[Service], wanted: Mapping[str, int]) -> list[Service]:
    """Return the processes beyond the wanted number, those of services that nobody asked about left alone."""
    return [s for s in living if s.service in wanted and s.number > wanted[s.service]]


def start(roster: Roster, names: Sequence[str], environ: Mapping[str, str]) -> list[Service]:
    """
    Start these processes; they outlive this command and do not hear the terminal's Ctrl-C.

    They get this command's environment, so a crash point or another config set for it reaches them.
    """
    path = f"{ROOT}:{environ['PYTHONPATH']}" if environ.get("PYTHONPATH") else str(ROOT)
    own = {**environ, "MAILWEAVE_HOME": str(roster.home), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    started = []
    for name in names:
        service = name.rpartition("-")[0]
        process = spawn([sys.executable, "-m", f"services.{service}"], log=roster.log(name), environ=own)
        started.append(Service(name, process))
        roster.keep([*(s for s in roster.living() if s.name != name), started[-1]])
    return started


def stop(roster: Roster, services: Sequence[Service], *, seconds: float = STOP_SECONDS) -> list[Service]:
    """Ask to stop, wait, kill what is left; return those that had to be killed. The others stay remembered."""
    for service in services:
        send(service.process, signal.SIGCONT)  # one that was paused for a test would never read the request
        send(service.process, signal.SIGTERM)
    killed = []
    if not gone([s.process for s in services], seconds=seconds):
        killed = [s for s in services if send(s.process, signal.SIGKILL)]
        gone([s.process for s in services], seconds=seconds)
    roster.keep(roster.living())
    return killed


def last_words(roster: Roster, name: str) -> str:
    """Return the end of a service's log, for the person whose service did not start."""
    try:
        with roster.log(name).open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - LOG_BYTES))
            return last_lines(log.read().decode("utf-8", "replace"))
    except FileNotFoundError:
        return last_lines("")


def stop_all(home: Path) -> tuple[int, Sequence[Service]]:
    """Stop every service of this home; return how many there were, and those that had to be killed."""
    roster = Roster(home)
    if not roster.all():
        return 0, ()
    with roster.locked():
        living = roster.living()
        return len(living), stop(roster, living)
