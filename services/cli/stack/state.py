"""What a home remembers between commands: ``stack.json``, written whole or not at all."""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from services.cli.stack.errors import StackError
from services.cli.stack.processes import Process

FILE = "stack.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Ports, processes and given addresses of one stack, and where it finds programs."""

    ports: Mapping[str, int] = field(default_factory=dict)
    processes: Mapping[str, Process] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    search_path: str = ""

    @classmethod
    def read(cls, home: Path) -> Self | None:
        """The home's state; none when the folder is not a stack's home."""
        try:
            data = json.loads((home / FILE).read_text("utf-8"))
            processes = {name: Process(**process) for name, process in data.pop("processes").items()}
            return cls(processes=processes, **data)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StackError(f"{home / FILE} cannot be read ({error}). Is it a file of another program?") from error

    def write(self, home: Path) -> None:
        """Replace the file; a crash leaves the old one or the new one."""
        write_private(home / FILE, json.dumps(asdict(self), indent=2, sort_keys=True) + "\n")


class Ledger:
    """The state of one home while a command works on it, from several threads."""

    def __init__(self, home: Path, state: State) -> None:
        self.home = home
        self._state = state
        self._lock = threading.Lock()

    @property
    def state(self) -> State:
        """The state as it was last written."""
        return self._state

    def started(self, name: str, process: Process) -> None:
        """Remember a process, so that it can be stopped whatever happens next."""
        with self._lock:
            self._keep(replace(self._state, processes={**self._state.processes, name: process}))

    def stopped(self, name: str) -> None:
        """Forget a process that has ended."""
        with self._lock:
            others = {other: process for other, process in self._state.processes.items() if other != name}
            self._keep(replace(self._state, processes=others))

    def moved(self, ports: Mapping[str, int]) -> None:
        """Remember other ports."""
        with self._lock:
            self._keep(replace(self._state, ports=ports))

    def _keep(self, state: State) -> None:
        state.write(self.home)
        self._state = state


def write_private(path: Path, text: str, *, owner: tuple[int, int] | None = None) -> None:
    """Write a file only its owner can read, under its final name only when it is complete."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    if owner is not None and owner != (os.geteuid(), os.getegid()):
        os.chown(fresh, *owner)
    fresh.replace(path)
