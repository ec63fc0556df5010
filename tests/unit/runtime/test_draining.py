"""Handing a record to a stage's buffer: at once where there is room, as Faust does it where there is none."""

import asyncio

import pytest
from faust.transport.drivers.aiokafka import Consumer

from services.runtime.draining import LeanConsumer


class Lone(LeanConsumer):
    """A consumer with nothing behind it but what ``wait_first`` needs."""

    def __init__(self) -> None:
        self._stopped, self._crashed = asyncio.Event(), asyncio.Event()
        self.tasks = 0

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()


async def handed(record: str, room: asyncio.Event | None = None) -> str:
    if room is not None:
        await room.wait()
        await asyncio.sleep(0)
    return record


def test_a_record_that_there_is_room_for_makes_no_task(monkeypatch):
    async def no_task(*_: object, **__: object) -> None:
        raise AssertionError("Faust's own way was taken")

    async def main():
        monkeypatch.setattr(Consumer, "wait_first", no_task)
        suspended = asyncio.Event()
        return await Lone().wait_first(handed("a"), suspended.wait())

    assert asyncio.run(main()).results == ["a"]


def test_a_record_that_must_wait_is_handed_over_when_there_is_room():
    async def main():
        room, suspended = asyncio.Event(), asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, room.set)
        return await Lone().wait_first(handed("a", room), suspended.wait())

    assert asyncio.run(main()).results == ["a"]


def test_a_flow_that_is_suspended_meanwhile_ends_the_wait_and_cancels_the_record():
    async def main():
        room, suspended, consumer = asyncio.Event(), asyncio.Event(), Lone()
        asyncio.get_running_loop().call_later(0.01, suspended.set)
        handing = handed("a", room)
        done = await consumer.wait_first(handing, suspended.wait())
        await asyncio.sleep(0.01)
        return done, handing

    done, handing = asyncio.run(main())
    assert done.results == [True]
    with pytest.raises(RuntimeError):
        handing.send(None)


def test_what_fails_while_it_waits_fails_the_wait():
    async def breaks():
        await asyncio.sleep(0)
        raise LookupError("no such partition")

    async def main():
        await Lone().wait_first(breaks(), asyncio.Event().wait())

    with pytest.raises(LookupError):
        asyncio.run(main())
