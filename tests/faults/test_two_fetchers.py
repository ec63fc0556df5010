"""Two fetchers, one killed and one paused past its lease, again and again, while a client appends and expunges."""

import os

import pytest

from tests.faults.planning import plan
from tests.faults.run import run
from tests.faults.world import world

pytestmark = pytest.mark.faults

MAILS = 4_000
ROUNDS = 4


def test_no_mail_is_lost_and_none_becomes_two_activities(tmp_path_factory):
    """FAULT_SEED repeats another order. The mailboxes idle: what is paused holds connections, and others take over."""
    seed = int(os.environ.get("FAULT_SEED", "1"))

    with world(tmp_path_factory.mktemp("faults")) as running:
        found = run(running, plan(seed, MAILS), ["kill fetcher", "pause fetcher"] * ROUNDS, expunges=True)

    assert found.clean, f"repeat it with FAULT_SEED={seed}\n{found}"
    assert found.repeated, "no record came twice, so no fault has hit anything at work and this run has shown nothing"
