"""Back-off, crash points, headers and the fast checksums."""

import os
import random
import signal
import subprocess
import sys
from itertools import islice

import crc32c
import kafka.record.util
import pytest

from services.domain.errors import Stop
from services.runtime import backoff, producer
from services.runtime.agents import HeldEvent, origin_time
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


def test_kafka_python_uses_the_fast_checksum(monkeypatch):
    """In plain Python a record of 12 kB would cost a millisecond."""
    producer.require_fast_checksums()
    assert kafka.record.util._crc32c is crc32c.crc32c

    monkeypatch.setattr(kafka.record.util, "_crc32c", lambda data: 0)
    with pytest.raises(Stop):
        producer.require_fast_checksums()


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
    assert (origin_time(headers) is not None) == known


def test_an_event_is_acknowledged_only_when_handled():
    """Faust acknowledges what its batching generator yielded whenever that is closed, handled or not."""
    acknowledged = []

    class Message:
        def ack(self, consumer):
            acknowledged.append(self)
            return True

    class App:
        consumer = None

    event = HeldEvent(App(), None, b"v", None, Message())

    assert not event.ack()
    assert acknowledged == []
    event.handled = True
    assert event.ack()
    assert len(acknowledged) == 1


def test_a_batch_is_a_sequence():
    batch = Batch([Input("t", 0, n, None, None, {}) for n in range(3)])

    assert [one.offset for one in batch] == [0, 1, 2]
    assert [one.offset for one in batch[1:]] == [1, 2]
    assert (len(batch), batch[0].offset, batch.rejects) == (3, 0, [])
