"""The long form: every kind of fault at least once, 20,000 mails or as many as FAULT_MAILS says."""

import os
import random

import pytest

from tests.faults.planning import plan
from tests.faults.run import run
from tests.faults.schedule import schedule
from tests.faults.world import world

pytestmark = pytest.mark.faults

MAILS = 20_000
FAULTS = 54
BYTES_PER_MAIL = 12 << 10


def test_nothing_is_lost_and_nothing_comes_twice(tmp_path_factory):
    """FAULT_MAILS, FAULT_COUNT and FAULT_SEED say how many mails and faults, and repeat a run that was seen to fail."""
    seed = int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(1, 1_000_000))
    mails = int(os.environ.get("FAULT_MAILS") or MAILS)
    count = int(os.environ.get("FAULT_COUNT") or FAULTS)
    room = (128 << 20) + mails * BYTES_PER_MAIL

    with world(tmp_path_factory.mktemp("faults"), disk_bytes=room) as running:
        found = run(running, plan(seed, mails), schedule(seed, count))

    assert found.clean, f"repeat it with FAULT_SEED={seed} FAULT_MAILS={mails} FAULT_COUNT={count}\n{found}"
    assert found.repeated, "no record came twice, so no fault has hit anything at work and this run has shown nothing"
