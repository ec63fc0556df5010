"""CPU seconds and memory of everything that takes part, by name, from /proc."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """From /proc/PID: CPU in ticks, its own and that of children it has waited for; memory in bytes."""

    pid: int
    parent: int
    user: int
    system: int
    private: int
    shared: int


def parse(stat: str, statm: str) -> Process:
    """Read /proc/PID/stat, in which a name may hold spaces and brackets, and /proc/PID/statm."""
    pid, _, rest = stat.partition(" (")
    fields = rest.rpartition(") ")[2].split()
    user, system, child_user, child_system = (int(value) for value in fields[11:15])
    resident, shared = (int(pages) * PAGE for pages in statm.split()[1:3])
    return Process(int(pid), int(fields[1]), user + child_user, system + child_system, resident - shared, shared)


def processes() -> dict[int, Process]:
    """Return every process there is now."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                one = parse((entry / "stat").read_text(), (entry / "statm").read_text())
            except OSError:
                continue  # it has just ended; its parent has its time
            found[one.pid] = one
    return found


def by_name(all_: Mapping[int, Process], roots: Mapping[str, int]) -> dict[str, tuple[float, float, int]]:
    """
    Return user seconds, system seconds and resident bytes of each named process and all that descends from it.

    What processes share (PostgreSQL's buffers) counts once, as much as the one has that has most of it.
    """
    names = {pid: name for name, pid in roots.items()}
    sums = {name: [0, 0, 0, 0] for name in roots}
    for one in all_.values():
        at: Process | None = one
        while at is not None and at.pid not in names:
            at = all_.get(at.parent)
        if at is not None:
            total = sums[names[at.pid]]
            total[0] += one.user
            total[1] += one.system
            total[2] += one.private
            total[3] = max(total[3], one.shared)
    return {name: (user / TICKS, system / TICKS, own + shared) for name, (user, system, own, shared) in sums.items()}


class Meter:
    """Watches the named processes while a block runs: CPU between its ends, the most memory each had."""

    def __init__(self, roots: Callable[[], Mapping[str, int]]) -> None:
        self._roots = roots
        self.cpu: dict[str, tuple[float, float]] = {}
        self.peak: dict[str, int] = {}
        self.samples: list[dict[str, int]] = []

    @contextmanager
    def running(self, every: float = 0.25) -> Iterator[None]:
        """Measure; what a child that ends in between has used is counted with its parent."""
        roots = self._roots()
        before = by_name(processes(), roots)
        done = threading.Event()
        thread = threading.Thread(target=self._sample, args=(roots, done, every), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            for name, (user, system, _) in by_name(processes(), roots).items():
                self.cpu[name] = user - before[name][0], system - before[name][1]

    def _sample(self, roots: Mapping[str, int], done: threading.Event, every: float) -> None:
        while not done.wait(every):
            now = {name: resident for name, (_, _, resident) in by_name(processes(), roots).items()}
            self.samples.append(now)
            for name, resident in now.items():
                self.peak[name] = max(resident, self.peak.get(name, 0))
