"""
The main of every service: config, edge, signals, exit codes.

    0  asked to stop (SIGTERM or SIGINT): the running batch is finished and committed
    1  something broke that nobody foresaw
    2  the config is wrong: one line says what
    3  the service stopped itself (``Stop``)

A second signal ends the process at once; so does the end of the ten seconds that a stop may take.
"""

import asyncio
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

import faust

from services.domain.errors import Refused, Retry, Stop
from services.runtime import config as configs
from services.runtime.memory import collect_rarely, keep_freed_memory
from services.runtime.runtime import Runtime

log = logging.getLogger(__name__)

CLEAN, BROKEN, CONFIG, STOPPED = 0, 1, 2, 3
BEAT_SECONDS = 0.25
FINISH_SECONDS = 7.0
STOP_SECONDS = 9.5

Build = Callable[[Runtime], faust.App]


def run(service: str, build: Build) -> NoReturn:
    """Run a service of Faust stages until it is asked to stop. ``build`` is called when the settings are read."""

    def main(runtime: Runtime) -> None:
        # The loop is left as it is: closing it would wait for tasks that a stuck handler keeps.
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(_stages(runtime, build))

    _run(service, main)


def run_threads(service: str, main: Callable[[Runtime, threading.Event], None]) -> NoReturn:
    """
    Run a service of plain threads until it is asked to stop.

    ``main`` calls ``runtime.health.beat()`` at least every few seconds and returns soon after the event is set.
    """
    _run(service, lambda runtime: _threads(runtime, main))


def _run(service: str, main: Callable[[Runtime], None]) -> NoReturn:
    try:
        runtime = Runtime(service, configs.load())
    except (Refused, OSError) as error:
        print(f"{service}: {error}", file=sys.stderr)  # noqa: T201 - the one line, before there is a log
        sys.exit(CONFIG)
    keep_freed_memory()
    collect_rarely()
    _Signals(runtime)
    threading.Thread(target=_enforce_deadline, args=(runtime,), name="deadline", daemon=True).start()
    code = _guarded(runtime, main)
    # From here on a second signal still ends the process; what is open is only connections.
    runtime.close()
    log.info("stopped", extra={"exit_code": code})
    logging.shutdown()
    # Not sys.exit: a worker thread that hangs in a store would keep the process.
    os._exit(code)


def _guarded(runtime: Runtime, main: Callable[[Runtime], None]) -> int:
    try:
        runtime.start()
        main(runtime)
    except Stop as error:
        if not runtime.stopping.is_set():
            runtime.fail(error)
    except Refused as error:
        print(f"{runtime.service}: {error}", file=sys.stderr)  # noqa: T201
        return CONFIG
    except Exception as error:
        # A store that is away at the start needs no traceback.
        log.exception("the service broke", exc_info=not isinstance(error, Retry))
        runtime.fail(error)
    if runtime.failure is not None:
        log.error("ended by %s: %s", type(runtime.failure).__name__, runtime.failure)
    return _code(runtime)


class _Signals:
    """Turns the first SIGTERM or SIGINT into a stop, and the second into an exit."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
        # Not here: the signal may have interrupted the very thread that holds a lock of the log or of health.
        threading.Thread(target=self._runtime.stop, daemon=True).start()


def _enforce_deadline(runtime: Runtime) -> None:
    runtime.stopping.wait()
    time.sleep(STOP_SECONDS)
    # What is not committed is offered again to whoever comes next.
    log.warning("not stopped within %s s: exiting in the middle of the work", STOP_SECONDS)
    os._exit(_code(runtime))


def _code(runtime: Runtime) -> int:
    if runtime.failure is None:
        return CLEAN
    return STOPPED if isinstance(runtime.failure, Stop) else BROKEN


async def _stages(runtime: Runtime, build: Build) -> None:
    """Run the Faust app until a stop is asked for, a stage fails or Faust itself breaks."""
    app = build(runtime)
    data = Path(app.conf.datadir)
    try:
        await _until_stop(app, asyncio.ensure_future(app.start()), runtime)
        # Pauses the partitions, waits for the running batch, commits and leaves the group. Not cancelled when it takes
        # too long, because Faust swallows the cancellation.
        _, pending = await asyncio.wait({asyncio.ensure_future(app.stop())}, timeout=FINISH_SECONDS)
        if pending:
            log.warning("the running batch is not finished: it will be offered again")
    finally:
        shutil.rmtree(data, ignore_errors=True)


async def _until_stop(app: faust.App, starting: asyncio.Future[None], runtime: Runtime) -> None:
    """Return when a stop is asked for; raise what broke Faust. The loop beats from the start: Kafka may let it wait."""
    while not runtime.stopping.is_set():
        runtime.health.beat()
        if starting.done():
            starting.result()
            runtime.health.ready("start")
        if app.crashed or app.should_stop:
            raise app.crash_reason or RuntimeError("Faust has stopped by itself")
        await asyncio.sleep(BEAT_SECONDS)


def _threads(runtime: Runtime, main: Callable[[Runtime, threading.Event], None]) -> None:
    runtime.health.ready("start")
    main(runtime, runtime.stopping)
    if not runtime.stopping.is_set():
        raise RuntimeError("the service has ended without being asked to")
