"""
What happens with one batch of a stage: handled, its outputs acknowledged, its rejects written; or kept for another try.

Knows nothing of Faust: the handler, the producer and the dead letters are given.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from services.domain.errors import Reject, Retry, Stop
from services.runtime.records import Batch, Input, Output, Rejected

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_R = TypeVar("_R")

Handle = Callable[[Batch], Sequence[Output]]
Send = Callable[[Sequence[Output]], Awaitable[None]]

REJECTS_IN_A_ROW = 100


@dataclass(slots=True)
class Streak:
    """Counts rejects in a row over all batches of a stage; one success ends the row."""

    length: int = 0

    def allowed(self, inputs: Sequence[Input], rejects: Sequence[Rejected]) -> list[Rejected]:
        """Return the rejects up to the one that is too many, in the order of the inputs."""
        by_place = {_place(r.input): r for r in rejects}
        kept: list[Rejected] = []
        for given in inputs:
            rejected = by_place.get(_place(given))
            if rejected is None:
                self.length = 0
                continue
            self.length += 1
            if self.length > REJECTS_IN_A_ROW:
                break
            kept.append(rejected)
        return kept

    @property
    def kept(self) -> int:
        """What is to be remembered of the row: the next reject after a full one is too many."""
        return min(self.length, REJECTS_IN_A_ROW)

    @property
    def too_long(self) -> bool:
        """Whether the stage would drain its topic into the dead letters."""
        return self.length > REJECTS_IN_A_ROW


@dataclass(slots=True)
class Done:
    """What became of a batch."""

    outputs: list[Output] = field(default_factory=list)
    rejects: list[Rejected] = field(default_factory=list)


class Letters(Protocol):
    """The dead letters of a stage; the true ones are :class:`services.runtime.dead_letters.DeadLetters`."""

    def streak(self, topic: str) -> int: ...  # noqa: D102
    def write(self, rejects: Sequence[Rejected], streak: int) -> None: ...  # noqa: D102
    def stopped(self, topic: str, why: str) -> None: ...  # noqa: D102
    def succeeded(self, topic: str, streak: int, *, had_stopped: bool) -> None: ...  # noqa: D102


class BatchRunner:
    """
    Runs the batches of one stage, one after the other; blocking work happens in the executor.

    The row of rejects outlives the process: a stage that stopped itself and is started again gives up at the first
    reject, and one success ends the row.
    """

    def __init__(self, topic: str, handle: Handle, send: Send, letters: Letters, executor: Executor) -> None:
        self._topic = topic
        self._handle = handle
        self._send = send
        self._letters = letters
        self._executor = executor
        self._streak: Streak | None = None

    async def run(self, inputs: Sequence[Input]) -> Done:
        """
        Finish this batch: every output is acknowledged and every reject is committed when this returns.

        Raises ``Retry`` (offer the same batch again; some of it may have been done, which is harmless) or ``Stop``.
        """
        if self._streak is None:
            self._streak = Streak(await self._blocking(self._letters.streak, self._topic))
        done = Done()
        await self._bisect(inputs, done)
        before, streak = self._streak.length, self._streak
        if done.rejects:
            kept = streak.allowed(inputs, done.rejects)
            try:
                if kept:
                    await self._blocking(lambda rejects: self._letters.write(rejects, streak.kept), kept)
                if streak.too_long:
                    code = (kept or done.rejects)[-1].code
                    why = f"{streak.length} records in a row were rejected, the last as {code}"
                    await self._blocking(lambda text: self._letters.stopped(self._topic, text), why)
                    raise Stop(why)
            except Retry:
                streak.length = before  # the same rejects will be counted again
                raise
        else:
            streak.length = 0
        had_stopped = before >= REJECTS_IN_A_ROW
        if had_stopped or (before and not done.rejects):
            succeeded = partial(self._letters.succeeded, streak=streak.kept, had_stopped=had_stopped)
            await self._blocking(succeeded, self._topic)
        return done

    async def _bisect(self, inputs: Sequence[Input], done: Done) -> None:
        """
        Handle these inputs; when that fails by their fault, handle each half of them, in order.

        So one bad record of 200 costs some 16 calls, and its neighbours pass.
        """
        batch = Batch(inputs)
        try:
            outputs = await self._blocking(self._handle, batch)
            await self._send(outputs)
        except (Retry, Stop):
            raise
        except MemoryError as error:
            raise Stop("out of memory") from error
        except Exception as error:  # noqa: BLE001 - a handler may raise anything, and the record is to blame
            if len(inputs) == 1:
                done.rejects.append(_blame(inputs[0], error))
                return
        else:
            done.outputs.extend(outputs)
            done.rejects.extend(batch.rejects)
            return
        # Outside the handler of the error: else each traceback would drag along those of all larger batches.
        middle = len(inputs) // 2
        await self._bisect(inputs[:middle], done)
        await self._bisect(inputs[middle:], done)

    async def _blocking(self, call: Callable[[_T], _R], argument: _T) -> _R:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, argument)


def _blame(given: Input, error: Exception) -> Rejected:
    if isinstance(error, Reject):
        return Rejected(given, error.code, str(error))
    where = "nowhere"
    trace = error.__traceback__
    while trace is not None:
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    log.error("a handler failed on %s/%s at offset %s", given.topic, given.partition, given.offset, exc_info=error)
    # The text of a foreign exception may quote the mail, so the dead letter names only its type and place.
    return Rejected(given, "handler_error", f"{type(error).__name__} at {where}")


def _place(given: Input) -> tuple[str, int, int]:
    return given.topic, given.partition, given.offset
