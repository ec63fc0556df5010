"""The local stack as a whole: all servers up, one server started again or killed, everything down."""

import signal
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from services.cli.stack.bringing import CancelledError, Notice, Ready, bring, check_given, put_down
from services.cli.stack.dovecot import certificate_file
from services.cli.stack.errors import StackError
from services.cli.stack.home import ENV_FILE, LOCK_FILE, claim, remove, run_folder, write_env
from services.cli.stack.paths import locked
from services.cli.stack.ports import is_free, settle
from services.cli.stack.processes import alive, gone, send
from services.cli.stack.programs import search_path_of
from services.cli.stack.server import Server, Site
from services.cli.stack.servers import NAMES, SERVERS, server_named
from services.cli.stack.state import Ledger, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack that is up."""

    home: Path
    variables: Mapping[str, str]
    """What ``stack.env`` holds."""
    ports: Mapping[str, int]
    """By name: kafka, kafka-controller, postgres, valkey, imap, imaps, pop3."""


def up(
    home: Path,
    *,
    environ: Mapping[str, str],
    only: Collection[str] = NAMES,
    on_ready: Notice = lambda _ready: None,
) -> Stack:
    """
    Start what does not run, side by side, and return when everything answers.

    A server whose address ``environ`` gives is not started but asked. ``on_ready`` hears of each server as
    it answers, in the calling thread. On a failure, or Ctrl-C, what this call started is stopped again.
    """
    home = home.absolute()
    claim(home)
    with locked(home / LOCK_FILE):
        wanted = [server_named(name) for name in NAMES if name in only]
        ledger, site = _settled(home, wanted, environ)
        before = dict(ledger.state.processes)
        try:
            _bring_all(wanted, ledger, site, on_ready)
        except BaseException:
            for name, process in ledger.state.processes.items():
                if before.get(name) != process:
                    put_down(server_named(name), process, site)
                    ledger.stopped(name)
            raise
        given = ledger.state.given
        up_now = [server for server in SERVERS if server.name in given or server.name in ledger.state.processes]
        addresses = {server.variable: given.get(server.name) or server.address(site) for server in up_now}
        if "dovecot" in ledger.state.processes:
            addresses["MAILWEAVE_CA_FILE"] = str(certificate_file(home))
        return Stack(home=home, variables=write_env(home, addresses), ports=site.ports)


def down(home: Path, *, keep_data: bool = False) -> bool:
    """
    Stop everything and remove the home; false when there was nothing to do.

    Works after a crash and after half a start. With ``keep_data`` the folder stays, for the next ``up``.
    """
    home = home.absolute()
    claim(home)
    if not home.exists():
        return False
    with locked(home / LOCK_FILE):
        state = State.read(home)
        if state is not None:
            ledger, site = Ledger(home, state), _site(home, state, {})
            with ThreadPoolExecutor(len(SERVERS)) as pool:
                for name, process in state.processes.items():
                    pool.submit(put_down, server_named(name), process, site)
            for name in state.processes:
                ledger.stopped(name)
            server_named("dovecot").after_end(site)
        if keep_data and state is not None:
            (home / ENV_FILE).unlink(missing_ok=True)
        else:
            remove(home)
    return True


def start(home: Path, name: str) -> Ready:
    """Start one server again, on the ports it had and with the data it had, and wait until it answers."""
    with _known(home, name) as (server, ledger, site):
        process = ledger.state.processes.get(name)
        if process is None or not alive(process):
            if process is not None:
                put_down(server, process, site)
            if taken := [port for port in server.ports if not is_free(site.ports[port])]:
                raise StackError(f"Another program listens on {site.address(taken[0])}, the port of {server.title}.")
        return bring(server, ledger=ledger, site=site, cancelled=Event())


def kill(home: Path, name: str, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal one server's main process; after SIGKILL, return when it is dead."""
    with _known(home, name) as (server, ledger, _):
        process = ledger.state.processes.get(name)
        if process is None or not send(process, number):
            raise StackError(f"{server.title} does not run.")
        if number == signal.SIGKILL and not gone([process], seconds=10):
            raise StackError(f"{server.title} (pid {process.pid}) survived SIGKILL.")


@contextmanager
def _known(home: Path, name: str) -> Iterator[tuple[Server, Ledger, Site]]:
    home = home.absolute()
    server = server_named(name)
    if State.read(home) is None:
        raise StackError(f"{home} holds no stack: run `mailweave stack up` first.")
    with locked(home / LOCK_FILE):
        state = State.read(home)
        if state is None:
            raise StackError(f"{home} holds no stack any more.")
        if name in state.given or not set(server.ports) <= set(state.ports):
            raise StackError(f"{server.title} is not one of this stack's own servers.")
        yield server, Ledger(home, state), _site(home, state, {})


def _site(home: Path, state: State, environ: Mapping[str, str]) -> Site:
    return Site(home=home, ports=state.ports, run=Path(state.run), environ=environ, search_path=state.search_path)


def _settled(home: Path, wanted: Collection[Server], environ: Mapping[str, str]) -> tuple[Ledger, Site]:
    """Decide which servers are given and on which ports the others run, and remember it."""
    old = State.read(home) or State(run=str(run_folder(home)))
    old_site = _site(home, old, environ)
    running = {name for name, process in old.processes.items() if alive(process)}
    given = {name: address for name, address in old.given.items() if name not in {s.name for s in wanted}}
    for server in wanted:
        address = environ.get(server.variable, "").strip()
        own = server.name not in old.given and set(server.ports) <= set(old.ports) and server.name in old.processes
        if address and not (own and address == server.address(old_site)):
            given[server.name] = address
    ours = [server for server in wanted if server.name not in given]
    ports = settle(
        [port for server in ours for port in server.ports],
        old.ports,
        running=[port for server in ours if server.name in running for port in server.ports],
    )
    ledger = Ledger(home, replace(old, ports=ports, given=given, search_path=search_path_of(environ)))
    ledger.state.write(home)
    for name in given:
        if process := ledger.state.processes.get(name):
            put_down(server_named(name), process, old_site)
            ledger.stopped(name)
    return ledger, _site(home, ledger.state, environ)


def _bring_all(wanted: Collection[Server], ledger: Ledger, site: Site, on_ready: Notice) -> None:
    cancelled = Event()
    given = ledger.state.given
    with ThreadPoolExecutor(max(1, len(wanted))) as pool:
        jobs = [
            pool.submit(check_given, server, given[server.name])
            if server.name in given
            else pool.submit(_bring_one, server, ledger, site, cancelled)
            for server in wanted
        ]
        failures = []
        try:
            for job in as_completed(jobs):
                try:
                    on_ready(job.result())
                except CancelledError:
                    continue
                except StackError as error:
                    cancelled.set()
                    failures.append(str(error))
        finally:
            cancelled.set()
    if failures:
        raise StackError("\n".join(failures))


def _bring_one(server: Server, ledger: Ledger, site: Site, cancelled: Event) -> Ready:
    try:
        return bring(server, ledger=ledger, site=site, cancelled=cancelled)
    except OSError as error:
        raise StackError(f"{server.title} cannot be started: {error}") from error
