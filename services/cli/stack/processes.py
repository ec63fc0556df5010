"""Starting, recognising and ending the servers' processes, none of which is ever addressed by its name."""

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Process:
    """A process and the moment of its birth: a pid that was given out again is not the same process."""

    pid: int
    born: str


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    parent: int
    session: int
    threads: int
    born: str

    @property
    def dead(self) -> bool:
        """A killed program's first thread is a zombie while others still hold its ports: not dead yet."""
        return self.state in "ZX" and self.threads <= 1


def _stat(pid: int) -> _Stat | None:
    try:
        # The name in parentheses may hold anything, so what follows the last one counts.
        fields = (PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    boot = (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    return _Stat(fields[0], int(fields[1]), int(fields[3]), int(fields[17]), f"{boot}:{fields[19]}")


def _all() -> Iterator[tuple[int, _Stat]]:
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (stat := _stat(int(entry.name))):
            yield int(entry.name), stat


def spawn(argv: Sequence[str], *, log: Path, environ: Mapping[str, str]) -> Process:
    """
    Start a server in a session of its own, so that Ctrl-C in the terminal does not reach it.

    Both its outputs are appended to ``log``. The server outlives the caller.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        dict(environ),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGPIPE, signal.SIGINT],
    )
    stat = _stat(pid)
    return Process(pid, stat.born if stat else "never")


def alive(process: Process) -> bool:
    """Whether the process still runs; a dead child of this process is reaped on the way."""
    stat = _stat(process.pid)
    if stat is None or stat.born != process.born:
        return False
    if stat.dead:
        # Under an init that does not reap, somebody else's zombie stays for ever: it is dead all the same.
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
        return False
    return True


def send(process: Process, number: signal.Signals) -> bool:
    """Signal the process if it is still the same one; the handle is opened before the look, so no race."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not alive(process):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def gone(processes: Sequence[Process], *, seconds: float) -> bool:
    """Wait until none of the processes runs; false when the time is over."""
    deadline = time.monotonic() + seconds
    while any(alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


def family(process: Process, *, working_in: Path | None = None) -> tuple[Process, ...]:
    """
    What else belongs to the server: its session, its descendants, and what works in its data folder.

    PostgreSQL's children have sessions of their own and outlive a killed parent for a moment; they are
    known by their working folder, and only when they were born from the same program as the server.
    """
    everything = dict(_all())
    same = everything.get(process.pid)
    leads = same is not None and same.born == process.born
    # The kernel gives a session's number to nobody else while the session has members.
    taken = same is not None and not leads
    found: dict[int, Process] = {}
    for pid, stat in everything.items():
        if pid == process.pid or stat.dead:
            continue
        in_session = stat.session == process.pid and not taken
        descends = leads and _descends(pid, process.pid, everything)
        if in_session or descends or (working_in and _works_in(pid, working_in)):
            found[pid] = Process(pid, stat.born)
    return tuple(found.values())


def _descends(pid: int, ancestor: int, everything: Mapping[int, _Stat]) -> bool:
    for _ in range(len(everything)):
        stat = everything.get(pid)
        if stat is None or stat.parent == 0:
            return False
        if stat.parent == ancestor:
            return True
        pid = stat.parent
    return False


def _works_in(pid: int, folder: Path) -> bool:
    with suppress(OSError):
        return (PROC / str(pid) / "cwd").readlink() == folder and (
            PROC / str(pid) / "exe"
        ).readlink().name == "postgres"
    return False


def end(process: Process, *, by: signal.Signals, seconds: float, working_in: Path | None = None) -> None:
    """
    Ask the server to stop, wait, and kill what is left of it and of its children.

    Returns when nothing of it runs. Harmless when nothing ran.
    """
    send(process, signal.SIGCONT)  # a server paused for a test would never read the request
    if send(process, by) and not gone([process], seconds=seconds):
        send(process, signal.SIGKILL)
        gone([process], seconds=10)
    rest = family(process, working_in=working_in)
    if rest and not gone(rest, seconds=2):
        for orphan in rest:
            send(orphan, signal.SIGKILL)
        gone(rest, seconds=10)


def memory(process: Process) -> int:
    """Resident bytes of the server with its children; pages they share are counted once."""
    return sum(_resident(member.pid) for member in (process, *family(process)))


def _resident(pid: int) -> int:
    for name, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        with suppress(OSError):
            for line in (PROC / str(pid) / name).read_text("ascii", "replace").splitlines():
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
    return 0
