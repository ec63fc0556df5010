"""A stage that is killed between its commit and its produce emits the change when it is back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.cli.service_processes import Roster
from services.cli.stack.processes import alive
from tests.conftest import Pipeline
from tests.e2e import store, topics
from tests.e2e.conftest import ANNA, KIM, SUPPORT, Company
from tests.e2e.mails import mail

pytestmark = pytest.mark.e2e


@contextmanager
def only_one_that_dies(pipeline: Pipeline, service: str, crash_point: str) -> Iterator[None]:
    """Replace both replicas by one that dies at the crash point; at the end both run again."""
    names = [f"{service}-{number}" for number in (1, 2)]
    for name in names:
        pipeline.mailweave("service", "stop", name)
    pipeline.mailweave("service", "start", names[0], MAILWEAVE_CRASH_AT=crash_point)
    try:
        yield
    finally:
        pipeline.mailweave("service", "stop", names[0])
        for name in names:
            pipeline.mailweave("service", "start", name)


def dead(pipeline: Pipeline, name: str, seconds: float = 60) -> None:
    """Return when the process has died by itself."""
    (process,) = [one.process for one in Roster(pipeline.home).all() if one.name == name]
    deadline = time.monotonic() + seconds
    while alive(process):
        assert time.monotonic() < deadline, f"{name} did not reach its crash point"
        time.sleep(0.1)


@pytest.mark.parametrize("crash_point", ["correlator.committed", "resolver.committed"])
def test_the_change_is_emitted_after_the_restart(company: Company, crash_point: str):
    """A mail that joins two conversations is committed, then the stage dies before anybody hears of it."""
    service = crash_point.partition(".")[0]
    left, right, bridge = (f"{name}@{service}-dies.example" for name in ("left", "right", "bridge"))
    company.pipeline.append(SUPPORT, mail(left, from_=KIM, to=SUPPORT), mail(right, from_=KIM, to=SUPPORT, minute=1))
    company.pipeline.wait()

    with only_one_that_dies(company.pipeline, service, crash_point):
        company.pipeline.append(ANNA, mail(bridge, from_=KIM, to=ANNA, references=[left, right], minute=2))
        dead(company.pipeline, f"{service}-1")
        committed = "SELECT count(*) FROM correlator.node WHERE mid = %s AND seen"
        assert [(1,)] == store.rows(company.postgres, committed, bridge)
        assert (1 if service == "resolver" else 0) == len(store.decisions(company.postgres, bridge))
    company.pipeline.wait()

    assert 1 == len({store.thread_of(company.postgres, one) for one in (left, right, bridge)})
    ((_, (decided,)),) = store.decisions(company.postgres, bridge).values()
    assert ("accepted", "References", right) == (decided.outcome, decided.method, decided.answers)
    announced = [value for name, value in topics.records(company.kafka, "mail-decided") if name == "MailDecided"]
    assert "accepted" in [one["outcome"] for one in announced if one["message_id"] == bridge]
    events = [value for name, value in topics.records(company.kafka, "activity-events") if name == "ActivityEvent"]
    assert bridge in [one["message_id"] for one in events]
    company.pipeline.mailweave("verify")
