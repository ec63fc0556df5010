"""Which services are started and stopped, and how."""

import os
import signal
import sys
import time

from services.cli import service_processes
from services.cli.service_processes import Roster, Service, missing, stop, surplus
from services.cli.stack.processes import Process, alive, spawn


def _service(name):
    return Service(name, Process(1, "x"))


def test_only_what_does_not_run_is_started():
    living = [_service("correlator-2")]

    assert ["correlator-1", "fetcher-1"] == missing(living, {"correlator": 2, "fetcher": 1, "resolver": 0})


def test_replicas_beyond_the_wanted_number_are_stopped_and_others_left_alone():
    living = [_service(n) for n in ("correlator-1", "correlator-2", "fetcher-1", "resolver-1")]

    assert ["correlator-2", "resolver-1"] == [s.name for s in surplus(living, {"correlator": 1, "resolver": 0})]


def _python(tmp_path, code):
    log = tmp_path / "p.log"
    process = spawn([sys.executable, "-c", code], log=log, environ=dict(os.environ))
    deadline = time.monotonic() + 10
    while "ready" not in (log.read_text() if log.exists() else "") and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


def test_a_service_that_does_not_hear_is_killed_and_forgotten(tmp_path):
    roster = Roster(tmp_path)
    deaf = (
        "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    polite = "import time; print('ready', flush=True); time.sleep(60)"
    services = [Service("fetcher-1", _python(tmp_path, deaf)), Service("resolver-1", _python(tmp_path / "b", polite))]
    roster.keep(services)

    killed = stop(roster, services, seconds=0.5)

    assert ["fetcher-1"] == [s.name for s in killed]
    assert not any(alive(s.process) for s in services)
    assert [] == roster.all()


def test_a_paused_service_is_stopped(tmp_path):
    service = Service("fetcher-1", _python(tmp_path, "import time; print('ready', flush=True); time.sleep(60)"))
    os.kill(service.process.pid, signal.SIGSTOP)

    assert [] == stop(Roster(tmp_path), [service], seconds=5)
    assert not alive(service.process)


def test_another_process_with_a_remembered_pid_is_left_alone(tmp_path):
    mine = _python(tmp_path, "import time; print('ready', flush=True); time.sleep(60)")
    roster = Roster(tmp_path)
    roster.keep([Service("fetcher-1", Process(mine.pid, "another birth"))])
    try:
        assert [] == roster.living()
        stop(roster, roster.all(), seconds=0.1)
        assert alive(mine)
    finally:
        os.kill(mine.pid, signal.SIGKILL)
        alive(mine)


def test_the_last_words_of_a_service_without_log_are_none(tmp_path):
    assert "(nothing)" in service_processes.last_words(Roster(tmp_path), "fetcher-1")
