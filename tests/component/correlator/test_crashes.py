"""Writers of the stored graph that are killed: redelivery ends as if nothing had happened."""

import random
import signal
import time

import psycopg
import pytest

from tests.component.correlator.writers import batches, check_books, doomed, dump, groups, write_at_once
from tests.forests import oracle, random_mails

pytestmark = pytest.mark.component


def test_a_writer_killed_before_its_commit_has_stored_nothing(url):
    process = doomed(url, 7, 100, "correlator.graph_written")

    assert process.wait(60) == -signal.SIGKILL
    assert not any(dump(url).values())


@pytest.mark.parametrize("seed", range(5))
def test_a_writer_killed_at_any_moment_and_redelivery_end_as_if_nothing_had_happened(url, seed):
    mails = random_mails(seed, 2000)
    chooser = random.Random(seed)
    for _ in range(2):
        process = doomed(url, seed, 2000)
        wait_for_rows(url)
        time.sleep(chooser.uniform(0, 0.05))
        process.kill()
        assert process.wait(60) == -signal.SIGKILL

    write_at_once(url, batches(mails, seed), 2)

    assert oracle(mails) == groups(url)
    check_books(url)


def wait_for_rows(url):
    """Wait until a writer of another process is in the middle of its work."""
    with psycopg.connect(url, autocommit=True) as connection:
        before = connection.execute("SELECT last_value FROM correlator.graph_version").fetchone()
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            if connection.execute("SELECT last_value FROM correlator.graph_version").fetchone() != before:
                return
