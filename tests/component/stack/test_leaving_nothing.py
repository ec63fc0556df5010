"""Taking a stack down: nothing stays, whatever happened before, and nothing else is touched."""

import socket
from pathlib import Path

import pytest

from services.cli import stack as local
from services.cli.stack.processes import alive
from services.cli.stack.state import State

pytestmark = pytest.mark.component
LIGHT = ("postgres", "valkey", "dovecot")


def _traces(home: Path, state: State) -> list[str]:
    """Processes, ports and folders of the stack that still exist."""
    found = [name for name, process in state.processes.items() if alive(process)]
    for name, port in state.ports.items():
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                found.append(name)
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(home).encode() in entry.read_bytes():
                found.append(str(entry))
        except OSError:
            continue
    return found + [str(folder) for folder in (home, Path(state.run)) if folder.exists()]


def _state(home: Path) -> State:
    state = State.read(home)
    assert state is not None
    return state


def test_down_leaves_no_process_port_or_file(home, surroundings):
    local.up(home, environ=surroundings, only=LIGHT)
    state = _state(home)
    assert _traces(home, state)

    assert local.down(home)

    assert [] == _traces(home, state)


def test_down_after_a_crash_leaves_nothing(home, surroundings):
    """Servers that died by themselves, and a paused one, are no obstacle."""
    local.up(home, environ=surroundings, only=LIGHT)
    state = _state(home)
    local.kill(home, "postgres")
    local.kill(home, "dovecot")

    local.down(home)

    assert [] == _traces(home, state)


def test_down_when_nothing_runs_is_no_error(home):
    assert not local.down(home)


def test_data_are_kept_on_demand_and_found_again(home, surroundings):
    """With `keep_data` the next `up` has the same password, port and mailboxes."""
    first = local.up(home, environ=surroundings, only=LIGHT)
    local.add_user(home, "ann@example.com", "secret")

    local.down(home, keep_data=True)
    assert {"stopped"} == {row.state for row in local.status(home)}
    again = local.up(home, environ=surroundings, only=LIGHT)

    assert first == again
    assert "ann@example.com" in (home / "dovecot" / "users").read_text()


def test_a_port_that_somebody_took_meanwhile_is_given_up(home, surroundings):
    """An occupied port moves the server; the data come along."""
    first = local.up(home, environ=surroundings, only=["valkey"])
    local.down(home, keep_data=True)
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", first.ports["valkey"]))
        stranger.listen()

        again = local.up(home, environ=surroundings, only=["valkey"])

    assert first.ports["valkey"] != again.ports["valkey"]


def test_a_failed_up_stops_what_it_started(home, surroundings):
    """When one server cannot start, its log is shown and the others do not stay behind."""
    (home / "dovecot").mkdir(parents=True)
    State(run=str(home / "run")).write(home)
    (home / "valkey" / "data" / "appendonlydir").mkdir(parents=True)
    (home / "valkey" / "data" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")

    with pytest.raises(local.StackError, match="Valkey ended instead of starting"):
        local.up(home, environ=surroundings, only=LIGHT)

    assert {} == _state(home).processes
    assert {"stopped"} == {row.state for row in local.status(home)}


@pytest.mark.parametrize("act", [lambda home: local.up(home, environ={}), local.down], ids=["up", "down"])
def test_a_folder_that_is_not_a_stacks_is_never_touched(tmp_path, act):
    """Neither command takes over a folder with other files, for `down` would remove them."""
    (tmp_path / "thesis.txt").write_text("ten years")

    with pytest.raises(local.StackError, match="other files"):
        act(tmp_path)

    assert ["thesis.txt"] == [entry.name for entry in tmp_path.iterdir()]
