"""What a stage promises, with one worker on real servers."""

import time

import pytest

from tests.component.runtime.workers import dead, hurry, kept, until

pytestmark = pytest.mark.component


def numbers(count):
    return [str(n).encode() for n in range(count)]


def texts(count):
    return [str(n) for n in range(count)]


def test_stop_finishes_the_batch_and_commits(start, kafka, tmp_path):
    """SIGTERM in the middle of a slow batch: that batch is done and committed, nothing is done twice later."""
    topic = kafka.topic(partitions=1)
    kafka.produce(topic, numbers(1000))
    first = start(source=topic, seconds=1.0)
    until(lambda: kept(tmp_path))
    time.sleep(0.3)

    assert first.terminate() == 0

    done = len(kept(tmp_path))
    assert 0 < done < 1000
    assert kafka.lag(topic) == 1000 - done
    start(source=topic)
    until(lambda: kafka.lag(topic) == 0)
    assert sorted(kept(tmp_path)) == sorted(texts(1000))


def test_a_stuck_handler_does_not_hold_the_process(start, kafka, tmp_path):
    """A handler that never comes back: the process exits 0 within ten seconds and the batch is offered again."""
    topic = kafka.topic()
    kafka.produce(topic, numbers(10))
    stuck = start(source=topic, seconds=600)
    until(stuck.ready)
    time.sleep(1)

    assert stuck.terminate(within=10) == 0
    assert kafka.lag(topic) == 10


def test_a_second_signal_exits_at_once(start, kafka):
    topic = kafka.topic()
    kafka.produce(topic, numbers(10))
    stuck = start(source=topic, seconds=600)
    until(stuck.ready)
    time.sleep(1)
    with pytest.raises(Exception, match="timed out"):
        stuck.terminate(within=1)

    hurry(stuck)

    assert stuck.process.wait(1) == 128 + 15


def test_retry_keeps_the_batch_and_turns_readiness_red(start, kafka, tmp_path):
    topic = kafka.topic()
    (tmp_path / "down").touch()
    kafka.produce(topic, numbers(500))
    worker = start(source=topic)
    until(lambda: worker.status() and worker.status().last_error)

    live, _ = worker.http("/live")
    ready, why = worker.http("/ready")
    assert (live, ready) == (200, 503)
    assert "the store is down" in why
    assert kafka.lag(topic) == 500
    (tmp_path / "down").unlink()

    until(lambda: kafka.lag(topic) == 0)
    assert sorted(kept(tmp_path)) == sorted(texts(500))
    assert worker.ready()
    assert f'outcome="retried",service="correlator",topic="{topic}"' in worker.http("/metrics")[1]


def test_stop_during_retry_gives_the_batch_back(start, kafka, tmp_path):
    topic = kafka.topic()
    (tmp_path / "down").touch()
    kafka.produce(topic, numbers(500))
    worker = start(source=topic)
    until(lambda: worker.status() and worker.status().last_error)
    began = time.monotonic()

    assert worker.terminate() == 0
    assert time.monotonic() - began < 5
    assert kafka.lag(topic) == 500


def test_a_rebalance_during_retry_loses_nothing(start, kafka, tmp_path):
    """A second worker comes while the store is down: the first gives its batch up, and both go on later."""
    topic = kafka.topic()
    (tmp_path / "down").touch()
    kafka.produce(topic, numbers(1500))
    first = start(source=topic)
    until(lambda: first.status() and first.status().last_error)
    second = start(source=topic)
    until(lambda: second.status() and second.status().last_error)
    (tmp_path / "down").unlink()

    until(lambda: kafka.lag(topic) == 0)
    assert set(kept(tmp_path)) == set(texts(1500))
    assert (first.terminate(), second.terminate()) == (0, 0)


def test_a_bad_record_is_rejected_alone(start, kafka, stack):
    """A handler that fails on one record, one that it does not want, and one too large to be sent on."""
    source, into = kafka.topic(), kafka.topic()
    values = numbers(400)
    values[77], values[123], values[200] = b"bad", b"unwanted", b"big"
    kafka.produce(source, values)
    worker = start(source=source, into=into)

    until(lambda: kafka.lag(source) == 0)

    assert kafka.lag(into, group="nobody") == 397
    found = sorted(dead(stack, source))
    assert [(code, value) for code, _, value in found] == [
        ("handler_error", b"bad"),
        ("rejected", b"big"),
        ("unwanted", b"unwanted"),
    ]
    assert found[0][1].startswith("ValueError at program.py:")
    until(lambda: len(kafka.dead(source)) == 3)
    assert sorted((d["code"], d["detail"], d["value"]) for d in kafka.dead(source)) == found
    until(lambda: worker.status().rejected == 3)


def test_too_many_rejects_in_a_row_stop_the_stage(start, kafka, stack):
    """A handler that fails on everything does not drain its topic into the dead letters."""
    source, into = kafka.topic(partitions=1), kafka.topic()
    kafka.produce(source, [b"bad"] * 150)
    worker = start(source=source, into=into)

    assert worker.process.wait(120) == 3
    assert len(dead(stack, source)) == 100
    # A first batch of a few may have been committed before; the one that was too much is not.
    assert kafka.lag(source) >= 50


def test_a_closed_gate_lets_other_topics_pass(start, kafka, tmp_path):
    """A topic with more records than the consumer's buffer holds waits at the gate; its neighbour is not starved."""
    gated, beside = kafka.topic(16), kafka.topic()
    kafka.produce(gated, numbers(20_000))
    worker = start(source=gated, beside=beside, gated=True)
    until(lambda: "the gate is closed" in worker.http("/ready")[1])
    time.sleep(5)  # without the pause the buffer would be full by now
    kafka.produce(beside, numbers(5000))

    until(lambda: kafka.lag(beside) == 0)
    assert kafka.lag(gated) == 20_000
    assert kept(tmp_path) == []
    assert worker.http("/ready")[0] == 503
    (tmp_path / "gate").touch()

    until(lambda: kafka.lag(gated) == 0)
    assert sorted(kept(tmp_path)) == sorted(texts(20_000))
    assert worker.ready()


def test_log_lines_are_json_and_quiet(start, kafka):
    """Libraries log through ours; a start and a stop say little."""
    worker = start(source=kafka.topic())
    until(worker.ready)
    worker.terminate()

    assert all(line["service"] == "correlator" for line in worker.lines())
    assert [line["message"] for line in worker.lines() if line["level"] == "INFO"] == ["settings are read", "stopped"]


def test_a_missing_config_is_one_line(start, kafka, stack, monkeypatch, tmp_path):
    monkeypatch.delitem(stack.environ, "MAILWEAVE_KAFKA")
    monkeypatch.setitem(stack.environ, "MAILWEAVE_HOME", str(tmp_path))
    worker = start(source="none")

    assert worker.process.wait(120) == 2
    (line,) = worker.log.read_text().splitlines()
    assert "MAILWEAVE_KAFKA" in line
