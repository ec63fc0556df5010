"""Bringing one server up: start it if it does not run, and wait until it does its work."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Literal

from services.cli.stack.errors import NoAnswerError, StackError
from services.cli.stack.home import shown
from services.cli.stack.processes import Process, alive, end, spawn
from services.cli.stack.programs import last_lines
from services.cli.stack.server import Server, Site
from services.cli.stack.state import Ledger

STOP_SECONDS = 20
_GIVEN_SECONDS = 10
_PAUSE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A server that answered."""

    name: str
    title: str
    address: str
    """Without its password."""
    how: Literal["started", "was running", "given"]
    seconds: float


class CancelledError(StackError):
    """Another server failed, so this one need not go on."""


def bring(server: Server, *, ledger: Ledger, site: Site, cancelled: Event) -> Ready:
    """Start the server unless it runs, and wait until it answers; its process is remembered at once."""
    began = time.monotonic()
    process = ledger.state.processes.get(server.name)
    how: Literal["started", "was running"] = "was running"
    if process is None or not alive(process):
        how = "started"
        if process is not None:
            put_down(server, process, site)
        command = server.prepare(site)
        if cancelled.is_set():
            raise CancelledError(server.title)
        process = spawn(command, log=site.log(server.name), environ=site.server_environ())
        ledger.started(server.name, process)
    _wait(server, process, site, cancelled)
    address = shown(server.address(site))
    seconds = time.monotonic() - began
    return Ready(name=server.name, title=server.title, address=address, how=how, seconds=seconds)


def check_given(server: Server, address: str) -> Ready:
    """Make sure that the address somebody gave is that of a server that works."""
    began = time.monotonic()
    try:
        server.ask(address, seconds=_GIVEN_SECONDS)
    except NoAnswerError as error:
        raise StackError(
            f"{server.variable} is set to {shown(address)}, and no {server.title} answers there: {error}\n"
            f"Start that server or correct the address; unset {server.variable} to have one started here."
        ) from error
    seconds = time.monotonic() - began
    return Ready(name=server.name, title=server.title, address=shown(address), how="given", seconds=seconds)


def put_down(server: Server, process: Process, site: Site) -> None:
    """End the server with all its children; what it leaves outside its data folder goes too."""
    end(process, by=server.stop_signal, seconds=STOP_SECONDS, working_in=server.working_folder(site))
    server.after_end(site)


def _wait(server: Server, process: Process, site: Site, cancelled: Event) -> None:
    deadline = time.monotonic() + server.ready_seconds
    while True:
        if cancelled.is_set():
            raise CancelledError(server.title)
        try:
            server.ask_ours(site)
        except NoAnswerError as error:
            failure = str(error)
        else:
            if alive(process):
                return
            failure = "another server answers on its port"
        log = site.log(server.name)
        if not alive(process):
            raise StackError(f"{server.title} ended instead of starting. {_end_of(log)}")
        if time.monotonic() > deadline:
            raise StackError(
                f"{server.title} runs but has not answered for {server.ready_seconds:.0f} s ({failure}). {_end_of(log)}"
            )
        time.sleep(_PAUSE)


def _end_of(log: Path) -> str:
    try:
        lines = last_lines(log.read_text("utf-8", "replace"))
    except OSError:
        lines = "    (nothing)"
    return (
        f"The last lines of {log}:\n{lines}\n"
        "Put right what they name and run the command again; "
        "`mailweave stack down` removes the stack with its data for a fresh start."
    )


Notice = Callable[[Ready], None]
