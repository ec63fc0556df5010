"""Workers and topics of one test; whatever still runs at its end is killed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.component.runtime.workers import Kafka, Worker

StartWorker = Callable[..., Worker]


@pytest.fixture
def kafka(stack) -> Iterator[Kafka]:
    made = Kafka(stack.environ["MAILWEAVE_KAFKA"])
    yield made
    made.close()


@pytest.fixture
def start(stack, tmp_path: Path) -> Iterator[StartWorker]:
    workers: list[Worker] = []

    def make(**given) -> Worker:
        workers.append(Worker(stack.environ, tmp_path, **given))
        return workers[-1]

    yield make
    for worker in workers:
        worker.kill()
