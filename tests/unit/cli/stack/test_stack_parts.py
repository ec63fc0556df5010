"""The stack's parts that need no server: ports, processes, addresses, locks, the remembered state."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from services.cli.stack.errors import StackError
from services.cli.stack.home import run_folder, shown
from services.cli.stack.paths import home_of, locked
from services.cli.stack.ports import is_free, settle
from services.cli.stack.processes import Process, alive, end, gone, send, spawn
from services.cli.stack.programs import last_lines, search_path_of
from services.cli.stack.state import State, write_private

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_remembered_ports_stay_while_they_are_free():
    first = settle(["a", "b"], {})

    assert first == settle(["a", "b"], first)
    assert first["a"] != first["b"]


def test_an_occupied_port_is_replaced_unless_we_occupy_it():
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        taken = stranger.getsockname()[1]

        assert not is_free(taken)
        assert taken != settle(["a"], {"a": taken})["a"]
        assert taken == settle(["a"], {"a": taken}, running=["a"])["a"]


def test_a_recycled_pid_is_never_signalled():
    """A process with the remembered pid that was born at another time is somebody else."""
    stranger = Process(os.getpid(), "another boot:1")

    assert not alive(stranger)
    assert not send(stranger, signal.SIGTERM)


def test_end_kills_what_ignores_the_request_and_its_children(tmp_path):
    """A parent and a child that both ignore SIGTERM are gone when `end` returns."""
    code = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    log = tmp_path / "log" / "x.log"
    process = spawn([sys.executable, "-c", code], log=log, environ=os.environ)
    while not log.read_text().strip():
        assert alive(process), log.read_text()
    child = int(log.read_text())

    end(process, by=signal.SIGTERM, seconds=0.2)

    assert not alive(process)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    # An orphan may stay a zombie for ever under an init that does not reap.
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX"


def test_a_dead_child_is_reaped(tmp_path):
    process = spawn([sys.executable, "-c", ""], log=tmp_path / "x.log", environ={})

    assert gone([process], seconds=10)
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:9092", "127.0.0.1:9092"),
        ("postgresql://ann:secret@db:5432/crm", "postgresql://ann@db:5432/crm"),
        ("redis://:secret@cache:6379/0", "redis://@cache:6379/0"),
        ("postgresql://ann:s@cret@db/crm", "postgresql://ann@db/crm"),
    ],
)
def test_passwords_are_not_shown(address, expected):
    assert expected == shown(address)


def test_state_comes_back_as_it_was_written(tmp_path):
    state = State(
        ports={"kafka": 1},
        processes={"kafka": Process(2, "x:3")},
        given={"valkey": "redis://x"},
        run="/r",
        search_path="/b",
    )

    state.write(tmp_path)

    assert state == State.read(tmp_path)
    assert 0o600 == (tmp_path / "stack.json").stat().st_mode & 0o777


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"processes": {"kafka": 1}}', '{"processes": {}, "more": 1}'])
def test_a_damaged_state_is_named(tmp_path, text):
    (tmp_path / "stack.json").write_text(text)

    with pytest.raises(StackError, match=r"stack\.json cannot be read"):
        State.read(tmp_path)


def test_a_folder_without_state_is_no_home(tmp_path):
    assert State.read(tmp_path) is None
    assert State.read(tmp_path / "missing") is None


def test_a_private_file_is_private_from_its_first_byte(tmp_path):
    write_private(tmp_path / "key", "first")
    write_private(tmp_path / "key", "second")

    assert "second" == (tmp_path / "key").read_text()
    assert 0o600 == (tmp_path / "key").stat().st_mode & 0o777


def test_long_homes_have_their_sockets_elsewhere(tmp_path):
    """A socket's path may have about a hundred characters."""
    short = run_folder(Path("/srv/stack"))
    long = run_folder(tmp_path / ("x" * 80))

    assert "/srv/stack/run" == str(short)
    assert 40 > len(str(long))
    long.rmdir()


def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path):
    """`down` removes the lock with the home; who waited for it locks the new file, not the dead one."""
    path = tmp_path / "home" / ".lock"
    entered = threading.Event()

    def wait() -> None:
        with locked(path):
            entered.set()

    with locked(path):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not entered.wait(0.2)
        path.unlink()
        assert entered.wait(5)
    waiting.join()


def test_a_lock_that_is_never_released_is_given_up(tmp_path):
    with (
        locked(tmp_path / ".lock"),
        pytest.raises(StackError, match="Another command"),
        locked(tmp_path / ".lock", seconds=0),
    ):
        pass


def test_the_callers_java_comes_first():
    path = search_path_of({"JAVA_HOME": "/opt/java", "PATH": "/home/bin"})

    assert path.startswith("/opt/java/bin:/home/bin:")
    assert "/usr/sbin" in path


def test_a_given_home_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert tmp_path / "x" == home_of({"MAILWEAVE_HOME": "x"})
    assert ".mailweave" == home_of({}).parent.name


def test_only_the_end_of_a_log_is_shown():
    assert "    8\n    9" == last_lines("\n".join(map(str, range(10))), count=2)
    assert "    (nothing)" == last_lines("\n")
