"""The clients of a run complain of every server that is away; only the run's own progress is logged."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def quiet_clients() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("kafka", "asyncio")]
    before = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL + 1)
    yield
    for one, level in zip(loggers, before, strict=True):
        one.setLevel(level)
