"""The connections that idle: one thread and one selector for all of them, whatever their number."""

import logging
import queue
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

from services.fetcher.idle_dialogue import GivenUp, How, Step
from services.fetcher.idle_line import Line
from services.fetcher.kept import Kept
from services.fetcher.timers import Timers

log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
CLOSE_SECONDS = 2.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Idled:
    """An IDLE that has ended. ``kept`` takes commands when it was woken or looked at, else it is closed."""

    mailbox: str
    how: How
    kept: Kept
    seconds: float


class IdleWires:
    """
    Idles on connections until they are woken, wanted or lost; ``told`` is called when :meth:`ended` has something.

    Every method may be called from any thread and returns at once. A server has ten seconds for each answer, and when
    it does not use them the connection is given up; so one that died unnoticed is found out at the next renewal.

    Should the thread itself break, every connection that it had is closed, ``broken`` says so, and nothing idles here
    any more.
    """

    def __init__(self, told: Callable[[], None], *, chance: Callable[[], float]) -> None:
        self._told = told
        self._chance = chance
        self._asked: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[Idled] = queue.SimpleQueue()
        self._lines: dict[str, Line] = {}
        self._pending: set[Line] = set()
        self._timers: Timers[Line] = Timers()
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        for one in (self._bell, self._ear):
            one.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._stopped = False
        self.broken = False
        self._thread = threading.Thread(target=self._run, name="idle", daemon=True)
        self._thread.start()

    def keep(self, mailbox: str, kept: Kept, quiet_seconds: float) -> None:
        """Idle; a change that the server tells of in the next ``quiet_seconds`` is told of after them."""
        self._ask(lambda: self._keep(mailbox, kept, quiet_seconds))

    def want(self, mailbox: str) -> None:
        """End the IDLE of a mailbox: its connection comes out of :meth:`ended`."""
        self._ask(lambda: self._want(mailbox))

    def drop(self, mailbox: str) -> None:
        """Close the connection of a mailbox; nothing is told of it any more, but for what was told before."""
        self._ask(lambda: self._drop(mailbox))

    def ended(self) -> list[Idled]:
        """Return what has ended since this was asked last."""
        return _taken(self._ended)

    def close(self) -> None:
        """Close every connection, and wait for that a moment."""
        self._ask(self._stop)
        self._thread.join(CLOSE_SECONDS)
        for one in self.ended():
            one.kept.close()

    def _ask(self, what: Callable[[], None]) -> None:
        self._asked.put(what)
        with suppress(OSError):  # full: it rings anyway
            self._bell.send(b"!")

    def _run(self) -> None:
        try:
            while not self._stopped:
                self._turn()
        except Exception:
            log.exception("what idles broke; its mailboxes are polled for a while")
            try:
                self._stop()
            finally:
                self.broken = True
                self._told()

    def _turn(self) -> None:
        ready = [key.data for key, _ in self._selector.select(self._patience())]
        if None in ready:
            with suppress(OSError):
                self._ear.recv(4096)
        for asked in _taken(self._asked):
            asked()
        for line in self._pending.union(one for one in ready if one is not None):
            self._guarded(line, Line.read)
        for line in self._timers.due(monotonic()):
            self._guarded(line, Line.on_time)

    def _patience(self) -> float | None:
        first = self._timers.next()
        if self._pending:
            return 0
        return None if first is None else max(0.0, first - monotonic())

    def _guarded(self, line: Line, step: Callable[[Line], None]) -> None:
        """Take a step with a line that is still there, and see what has become of it."""
        if self._lines.get(line.mailbox) is not line:
            return
        how: How | None
        try:
            step(line)
            how = line.how()
            if how is not None:
                self._leave(line)
                line.kept.resume()
        except GivenUp as error:
            how = error.how
        except (OSError, ValueError):
            how = How.LOST
        except Exception:
            log.exception("a connection that idles broke")
            how = How.LOST
        if how is None:
            self._timers.set(line, line.at)
            (self._pending.add if line.pending else self._pending.discard)(line)
            return
        self._leave(line)
        if how not in (How.WOKEN, How.LOOKED):
            line.kept.close()
        self._ended.put(Idled(line.mailbox, how, line.kept, monotonic() - line.began))
        self._told()

    def _keep(self, mailbox: str, kept: Kept, quiet_seconds: float) -> None:
        self._drop(mailbox)
        line = Line(
            mailbox=mailbox,
            kept=kept,
            quiet_until=monotonic() + quiet_seconds,
            answer_seconds=ANSWER_SECONDS,
            chance=self._chance,
        )
        self._lines[mailbox] = line
        self._guarded(line, self._enter)

    def _enter(self, line: Line) -> None:
        line.enter()
        self._selector.register(line.kept.connection.wire.sock, selectors.EVENT_READ, line)

    def _want(self, mailbox: str) -> None:
        if line := self._lines.get(mailbox):
            self._guarded(line, Line.want)

    def _drop(self, mailbox: str) -> None:
        if line := self._lines.get(mailbox):
            self._leave(line)
            line.kept.close(b"DONE\r\n" if line.dialogue.step is Step.IDLING else b"")

    def _stop(self) -> None:
        self._stopped = True
        for mailbox in list(self._lines):
            self._drop(mailbox)
        for one in (self._selector, self._bell, self._ear):
            one.close()

    def _leave(self, line: Line) -> None:
        if self._lines.get(line.mailbox) is line:
            del self._lines[line.mailbox]
            self._timers.forget(line)
            self._pending.discard(line)
            with suppress(KeyError, ValueError):
                self._selector.unregister(line.kept.connection.wire.sock)


def _taken(waiting: "queue.SimpleQueue[T]") -> list[T]:
    found = []
    with suppress(queue.Empty):
        while True:
            found.append(waiting.get_nowait())
    return found
