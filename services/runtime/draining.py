"""How records get from Kafka's consumer into a stage's buffer: without the four tasks that Faust makes for each."""

import logging
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any

from faust.transport.drivers.aiokafka import Consumer as FaustConsumer
from mode.services import WaitResults


class LeanConsumer(FaustConsumer):
    """
    Faust's consumer, except that a record which the buffer takes at once costs no task.

    Faust hands each record over with ``wait_first(handing it over, a suspended flow)``: four tasks and a wait, 0.1 ms.
    """

    logger = logging.getLogger("faust.consumer")  # else it logs its start and stop as ours

    async def wait_first(self, *coros: Any, timeout: Any = None) -> WaitResults:  # noqa: ANN401, ASYNC109
        """Return at once when the first of two coroutines ends without waiting; else wait as Faust does."""
        if len(coros) != 2 or not isinstance(coros[0], Coroutine):  # noqa: PLR2004
            return await super().wait_first(*coros, timeout=timeout)
        handing, other = coros
        try:
            blocked_by = handing.send(None)
        except StopIteration as end:
            other.close()
            return WaitResults([handing], [end.value], stopped=False)
        return await super().wait_first(_Begun(handing, blocked_by), other, timeout=timeout)


class _Begun:
    """A coroutine that has been stepped once, to be awaited as if it had not been (PEP 380, ``yield from``)."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], blocked_by: object) -> None:
        self._coroutine = coroutine
        self._blocked_by = blocked_by

    def __await__(self) -> Generator[Any, Any, Any]:
        blocked_by = self._blocked_by
        while True:
            try:
                sent = yield blocked_by
            except GeneratorExit:
                self._coroutine.close()
                raise
            except BaseException as error:  # noqa: BLE001 - a cancellation belongs to the coroutine
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, sent)
            try:
                blocked_by = step()
            except StopIteration as end:
                return end.value
