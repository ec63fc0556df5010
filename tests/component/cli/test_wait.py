"""`mailweave wait` ends when nothing is left on the way, and says what is left when the time is over."""

import threading
import time
from uuid import uuid4

import pytest

from tests.component.cli import rows

pytestmark = pytest.mark.component


def _missing(desk):
    found = {m["missing"]: m["count"] for m in desk.json("wait", "--timeout", "0") if "missing" in m}
    return {what: count for what, count in found.items() if what != "service"}


def test_an_idle_installation_is_done_at_once(desk, insert):
    rows.whole_mail(desk, insert, "a@x")

    result = desk.run("wait", "--timeout", "5")

    assert (0, "Done: 0 folders read to the end, all mail decided.\n") == (result.exit_code, result.stdout)


def test_everything_that_is_missing_is_named(desk, insert):
    rows.fetched(insert)
    insert("resolver.job", targets=[uuid4()], cause="target")
    insert("correlator.outbox", topic="mail-correlated", key=b"k")
    insert("correlator.merge", loser=2, winner=1, version=1, cause=uuid4())

    assert {"decision": 1, "resolver.job": 1, "correlator.outbox": 1, "thread notice": 1} == _missing(desk)
    result = desk.run("wait", "--timeout", "0")
    assert 1 == result.exit_code
    assert "missing: 1 delivery without a decision or dead letter" in result.stdout
    assert "missing: no resolver runs" in result.stdout
    assert "not done within 0 s" in result.stderr


def test_a_dead_letter_is_listed_and_does_not_hold_up(desk, insert):
    delivery = rows.fetched(insert)
    insert(
        "resolver.dead_letter", topic="mail-correlated", partition=0, offset=1, code="handler_error", detail="",
        delivery_id=delivery,
    )  # fmt: skip

    result = desk.run("wait", "--timeout", "5")

    assert 0 == result.exit_code
    assert "1 open dead letter of mail-correlated: handler_error" in result.stdout


def test_a_decision_that_comes_meanwhile_ends_the_wait(desk, insert):
    delivery = rows.fetched(insert)
    key = rows.message(desk, insert, "a@x")

    def decide():
        time.sleep(0.5)
        rows.arrived(insert, delivery, key)
        rows.decided(insert, delivery, "NoRecipientMatch")

    later = threading.Thread(target=decide)
    later.start()
    try:
        assert 0 == desk.run("wait", "--timeout", "30").exit_code
    finally:
        later.join()
