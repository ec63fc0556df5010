"""The short form, for every day: each service killed, crash points, Kafka restarted, Redis flushed, the network cut."""

import os

import pytest

from tests.faults.planning import plan
from tests.faults.run import run
from tests.faults.schedule import short
from tests.faults.world import world

pytestmark = pytest.mark.e2e

MAILS = 320


def test_nothing_is_lost_and_nothing_comes_twice(tmp_path_factory):
    """Repeat another order with FAULT_SEED."""
    seed = int(os.environ.get("FAULT_SEED", "1"))

    with world(tmp_path_factory.mktemp("faults")) as running:
        found = run(running, plan(seed, MAILS), short(seed))

    assert found.clean, str(found)
