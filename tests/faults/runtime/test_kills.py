"""Two stages with two workers each, killed in the middle of their work again and again: nothing is lost."""

import logging
import random
import time
from collections import Counter
from functools import partial

import pytest

from tests.component.runtime.conftest import kafka, start  # noqa: F401 - fixtures
from tests.component.runtime.workers import kept, until

pytestmark = pytest.mark.faults

log = logging.getLogger(__name__)

RECORDS = 5000
KILLS = 4


def working(worker) -> bool:
    """Whether this worker finishes records right now."""

    def taken() -> int:
        status = worker.status()
        return status.taken if status else 0

    before = taken()
    time.sleep(1.2)  # the status is written each second
    return taken() > before


def at_work(workers, stage) -> list[int]:
    """Return the workers of this stage that are at work."""
    return [n for n in (stage, stage + 2) if working(workers[n])]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kills_lose_nothing(start, kafka, tmp_path, seed):  # noqa: F811
    """
    Each record that was acknowledged to the producer comes out of the second stage at least once.

    Both stages share the service's consumer group, so each kill also rebalances the other stage.
    """
    chance = random.Random(seed)
    first, second = kafka.topic(8), kafka.topic(8)
    stages = [{"source": first, "into": second, "seconds": 0.5}, {"source": second, "seconds": 0.5}]
    workers = [start(**stages[n % 2]) for n in range(4)]
    until(lambda: all(worker.ready() for worker in workers))
    for kill in range(KILLS):
        part = RECORDS // KILLS
        kafka.produce(first, [str(kill * part + n).encode() for n in range(part)])
        stage = kill % 2
        victim = until(partial(at_work, workers, stage), seconds=60)[0]
        time.sleep(chance.uniform(0, 0.5))
        workers[victim].kill()
        workers[victim] = start(**stages[stage])

    until(lambda: kafka.lag(first) == kafka.lag(second) == 0, seconds=180)

    found = Counter(kept(tmp_path))
    repeated = sum(found.values()) - RECORDS
    log.info("repeated: %s of %s", repeated, RECORDS)
    assert set(found) == {str(n) for n in range(RECORDS)}
    assert repeated > 0, "no kill has hit a worker at work, so this run has shown nothing"
    assert [worker.terminate() for worker in workers] == [0] * 4
