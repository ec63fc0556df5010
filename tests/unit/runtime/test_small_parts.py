"""Back-off, crash points, headers and partitions."""

import os
import random
import signal
import subprocess
import sys
from itertools import islice

import pytest
from kafka.partitioner.default import murmur2

from services.runtime import backoff, producer
from services.runtime.records import Batch, Input


def test_pauses_grow_to_ten_seconds():
    pauses = list(islice(backoff.pauses(random.Random(1)), 12))

    assert 0.1 <= pauses[0] <= 0.2
    assert all(5 <= pause <= 10 for pause in pauses[7:])
    assert len(set(pauses)) == 12


@pytest.mark.parametrize(("armed", "code"), [("a.b", -signal.SIGKILL), ("a.c", 0), ("", 0)])
def test_only_the_named_crash_point_kills(armed, code):
    script = f"from services.runtime import crash; crash.arm({armed!r}); crash.crash_point('a.b')"

    assert subprocess.run([sys.executable, "-c", script], env=os.environ, check=False).returncode == code


def test_a_key_of_a_compacted_topic_lies_where_kafka_s_own_clients_put_it():
    for key in (b"contact/1", b"contact/2", b"user/anna"):
        assert (murmur2(key) & 0x7FFFFFFF) % 6 == producer.partition_of("directory", key, range(6))
    assert producer.partition_of("mail-received", b"a@x", [0]) == 0
    assert {producer.partition_of("mail-received", b"%d@x" % n, range(6)) for n in range(60)} == set(range(6))


def test_headers_of_both_kinds():
    assert producer.header_list({"a": "ä", "b": b"\xff"}) == [("a", "ä".encode()), ("b", b"\xff")]


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({"origin-time": b"2026-01-02T03:04:05+00:00"}, True),
        ({"origin-time": b"2026-01-02T03:04:05+00:00", "backfill": b"1"}, False),
        ({"origin-time": b"2026-01-02T03:04:05"}, False),
        ({"origin-time": b"\xff"}, False),
        ({}, False),
    ],
    ids=["live", "imported", "no zone", "nonsense", "none"],
)
def test_latency_is_measured_for_live_mail(headers, known):
    given = Input("mail-received", 0, 0, None, None, headers)
    assert (given.origin_time is not None) == known


def test_a_batch_is_a_sequence():
    batch = Batch([Input("t", 0, n, None, None, {}) for n in range(3)])

    assert [one.offset for one in batch] == [0, 1, 2]
    assert [one.offset for one in batch[1:]] == [1, 2]
    assert (len(batch), batch[0].offset, batch.rejects) == (3, 0, [])
