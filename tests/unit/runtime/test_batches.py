"""Batches: what is handled, rejected, kept and given up. No Kafka, no Faust."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.errors import Retry, Stop, UndecodableRecord
from services.runtime.batches import REJECTS_IN_A_ROW, BatchRunner
from services.runtime.records import Input, Output

BAD = b"bad"


def inputs(*values, first=0):
    return [Input("t", 0, first + n, b"k", value, {}) for n, value in enumerate(values)]


class World:
    """A handler, a producer and dead letters that remember."""

    def __init__(self, error=None, text="the text of a mail"):
        # Raised anew each time: an exception that is raised twice carries both tracebacks.
        self.error, self.text = error or ValueError, text
        self.calls = 0
        self.sent, self.buried, self.said, self.kept = [], [], [], 0

    def handle(self, batch):
        self.calls += 1
        if any(one.value == BAD for one in batch):
            raise self.error(self.text)
        for one in batch:
            if one.value == b"unwanted":
                batch.reject(one, "unwanted", "")
        return [Output("o", b"k", one.value) for one in batch if one.value != b"unwanted"]

    def streak(self, topic):
        return self.kept

    def write(self, rejects, streak):
        self.buried += rejects
        self.kept = streak

    def stopped(self, topic, why):
        self.said.append("stopped")

    def succeeded(self, topic, streak, *, had_stopped):
        self.kept = streak
        self.said += ["well"] if had_stopped else []

    async def send(self, outputs):
        self.sent += [output.value for output in outputs]

    def run(self, *batches):
        async def all_of_them():
            with ThreadPoolExecutor(1) as executor:
                runner = BatchRunner("t", self.handle, self.send, self, executor)
                return [await runner.run(batch) for batch in batches]

        return asyncio.run(all_of_them())


def test_a_good_batch_is_one_call():
    world = World()

    (done,) = world.run(inputs(*[b"good"] * 200))

    assert (world.calls, len(done.outputs), done.rejects, world.buried) == (1, 200, [], [])


@given(st.lists(st.sampled_from([b"good", BAD, b"unwanted"]), min_size=1, max_size=60))
def test_neighbours_of_bad_records_pass_in_order(values):
    """Whatever is mixed: each good record is sent once, each other one is buried once, both in order."""
    world = World()
    batch = [Input("t", 0, n, b"k", value, {}) for n, value in enumerate(values)]

    world.run(batch)

    assert world.sent == [value for value in values if value == b"good"]
    assert [r.input.offset for r in world.buried] == [n for n, value in enumerate(values) if value != b"good"]


def test_one_bad_record_costs_few_calls():
    world = World()

    world.run(inputs(*[b"good"] * 77, BAD, *[b"good"] * 122))

    assert world.calls < 20
    assert len(world.sent) == 199


def test_the_dead_letter_quotes_no_mail():
    world = World()

    world.run(inputs(BAD))

    (rejected,) = world.buried
    assert rejected.code == "handler_error"
    assert rejected.detail.startswith("ValueError at test_batches.py:")


def test_a_reject_that_is_raised_keeps_its_code():
    world = World(UndecodableRecord, "no marker")

    world.run(inputs(BAD))

    assert [(r.code, r.detail) for r in world.buried] == [("undecodable_record", "no marker")]


@pytest.mark.parametrize("error", [Retry, Stop])
def test_the_worlds_failures_blame_no_record(error):
    world = World(error)

    with pytest.raises(error):
        world.run(inputs(b"good", BAD))

    assert (world.calls, world.sent, world.buried) == (1, [], [])


def test_no_memory_blames_no_record():
    with pytest.raises(Stop):
        World(MemoryError).run(inputs(BAD))


def test_a_hundred_rejects_in_a_row_are_allowed():
    world = World()

    world.run(inputs(*[BAD] * 60), inputs(*[BAD] * 40), inputs(b"good", *[BAD] * 100))

    assert len(world.buried) == 200


def test_one_more_stops_the_stage():
    """The rejects up to the limit are kept, so that people see them; over several batches too."""
    world = World()

    with pytest.raises(Stop, match="handler_error"):
        world.run(inputs(*[BAD] * 60), inputs(*[BAD] * 41, b"good"))

    assert len(world.buried) == REJECTS_IN_A_ROW


def test_a_stage_that_stopped_itself_gives_up_at_the_first_reject_and_is_well_after_a_success():
    """Else an orchestrator that starts it again and again would drain the topic into the dead letters."""
    world = World()
    with pytest.raises(Stop):
        world.run(inputs(*[BAD] * 101))
    assert (world.said, world.kept) == (["stopped"], REJECTS_IN_A_ROW)

    with pytest.raises(Stop):
        world.run(inputs(BAD, b"good"))
    assert (len(world.buried), world.said) == (REJECTS_IN_A_ROW, ["stopped", "stopped"])

    world.run(inputs(b"good", BAD), inputs(b"good"), inputs(b"good"))
    assert (world.said[2:], world.kept) == (["well"], 0)


def test_good_batches_write_nothing():
    world = World()

    world.run(inputs(b"good"), inputs(b"good"))

    assert (world.said, world.buried) == ([], [])


def test_rejects_count_once_though_they_are_tried_again():
    """A store that fails while dead letters are written does not make the row longer."""
    failures = [Retry("down")] * 3

    class Failing(World):
        def write(self, rejects, streak):
            if failures:
                raise failures.pop()
            super().write(rejects, streak)

    world = Failing()

    async def try_again():
        with ThreadPoolExecutor(1) as executor:
            runner = BatchRunner("t", world.handle, world.send, world, executor)
            for _ in range(4):
                try:
                    await runner.run(inputs(*[BAD] * 100))
                except Retry:
                    continue

    asyncio.run(try_again())

    assert len(world.buried) == 100
