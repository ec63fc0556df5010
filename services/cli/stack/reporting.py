"""What runs, where, and how much memory it takes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.cli.stack.errors import StackError
from services.cli.stack.home import shown
from services.cli.stack.ports import HOST
from services.cli.stack.processes import alive, memory
from services.cli.stack.servers import SERVERS
from services.cli.stack.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """One server of a stack; pid and memory of those that run here."""

    name: str
    title: str
    state: Literal["running", "stopped", "given"]
    address: str | None = None
    pid: int | None = None
    memory_bytes: int | None = None


def status(home: Path) -> tuple[ServerStatus, ...]:
    """The state of each server, at a look: nobody is asked, and nothing is locked."""
    try:
        state = State.read(home.absolute()) or State()
    except OSError as error:
        raise StackError(f"{home} cannot be read: {error}") from error
    rows = []
    for server in SERVERS:
        name, title = server.name, server.title
        if address := state.given.get(name):
            rows.append(ServerStatus(name=name, title=title, state="given", address=shown(address)))
            continue
        port = state.ports.get(server.ports[0])
        place = f"{HOST}:{port}" if port else None
        process = state.processes.get(name)
        if process is None or not alive(process):
            rows.append(ServerStatus(name=name, title=title, state="stopped", address=place))
            continue
        rows.append(
            ServerStatus(
                name=name,
                title=title,
                state="running",
                address=place,
                pid=process.pid,
                memory_bytes=memory(process),
            )
        )
    return tuple(rows)
