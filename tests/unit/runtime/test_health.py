"""Live and ready answer different questions."""

import json
import time
import urllib.error
import urllib.request

import pytest

from services.runtime import metrics
from services.runtime.health import BEAT_LIMIT_SECONDS, Health, HealthServer


@pytest.fixture
def health():
    return Health("correlator")


@pytest.fixture
def get(health):
    server = HealthServer(health, "127.0.0.1", 0)
    server.start()

    def ask(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    yield ask
    server.stop()


def test_ready_when_no_reason_is_left(health, get):
    health.unready("topic x", "the store is down")
    health.ready("start")

    status, body = get("/ready")
    assert (status, json.loads(body)["waiting_for"]) == (503, {"topic x": "the store is down"})
    assert get("/live")[0] == 200

    health.ready("topic x")
    assert get("/ready")[0] == 200


def test_dead_when_the_loop_stands_still(health, get, monkeypatch):
    health.ready("start")
    late = time.monotonic() + BEAT_LIMIT_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: late)

    assert get("/live")[0] == 503
    health.beat()
    assert get("/live")[0] == 200


def test_nothing_else_is_served(get):
    """Faust's own pages would show tables."""
    assert [get(path)[0] for path in ("/", "/table", "/router", "/metrics/../etc", "/live/x")] == [404] * 5


def test_series_exist_before_they_count(health, get):
    metrics.prepare("correlator", consumes=["mail-received"], produces=["mail-correlated"])

    status, body = get("/metrics?x=1")
    assert status == 200
    for outcome in metrics.OUTCOMES:
        line = f'mailweave_records_total{{outcome="{outcome}",service="correlator",topic="mail-received"}} 0.0'
        assert line in body
    assert 'mailweave_records_out_total{service="correlator",topic="mail-correlated"} 0.0' in body
    assert "_created" not in body
