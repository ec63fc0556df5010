"""What goes wrong in the running pipeline comes up as an alert, and goes when its cause is gone."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from services.cli import stack as local
from services.contracts import encode
from services.runtime.producer import Producer
from services.runtime.records import Output
from tests.conftest import PASSWORD
from tests.e2e.conftest import Company

pytestmark = pytest.mark.e2e


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.2)
    return found


def alerts(company: Company, code: str, about: str, *, state: str = "open") -> list[dict[str, Any]]:
    lines = company.pipeline.mailweave("alerts", "--all", "--json").stdout.splitlines()
    return [a for a in map(json.loads, lines) if (a["code"], a["state"]) == (code, state) and about in a["object"]]


def test_a_refused_login_is_one_alert_that_resolves_itself(company: Company):
    address = "alerted@own.example"
    company.pipeline.add_mailbox(address, "user:ben")
    try:
        local.add_user(company.pipeline.home, address, "another password")
        company.pipeline.mailweave("mailbox", "test", address)  # with a new login: a session that idles keeps the old
        (alert,) = until(lambda: alerts(company, "login_refused", address))
        assert (alert["object"], alert["level"], alert["direction"]) == (f"mailbox/{address}", "error", "incoming")
        assert "password" in company.pipeline.mailweave("alerts", "show", alert["id"]).stdout

        local.add_user(company.pipeline.home, address, PASSWORD)
        company.pipeline.wait()  # has every mailbox checked now
        (resolved,) = until(lambda: alerts(company, "login_refused", address, state="resolved"))
        assert (resolved["id"], resolved["resolved_by"]) == (alert["id"], "signal")
        assert alerts(company, "login_refused", address) == []
    finally:
        company.pipeline.mailweave("mailbox", "remove", address)


def test_the_alert_of_a_mailbox_goes_with_it(company: Company):
    """What was wrong with a mailbox that is not read any more is nobody's concern; its check is not waited for."""
    address = "leaving@own.example"
    company.pipeline.add_mailbox(address, "user:ben")
    local.add_user(company.pipeline.home, address, "another password")
    company.pipeline.mailweave("mailbox", "test", address)  # with a new login: a session that idles keeps the old one
    (alert,) = until(lambda: alerts(company, "login_refused", address))

    company.pipeline.mailweave("mailbox", "remove", address)

    (resolved,) = until(lambda: alerts(company, "login_refused", address, state="resolved"))
    assert resolved["id"] == alert["id"]


@pytest.mark.parametrize("topic", ["mail-received", "mail-correlated", "directory"])
def test_poison_becomes_a_dead_letter_each_with_its_code_and_an_alert(company: Company, topic: str):
    """Undecodable bytes, an unknown schema, a body cut short, another topic's record, no value at all."""
    changed = encode("ThreadChanged", {"change": {"loser": 2**62, "winner": 2**61}, "version": 1, "cause": "x"})
    poison = [b"no avro", b"\xc3\x01" + b"\x07" * 8 + b"body", changed[:-3], encode("SettingsRecord", _settings())]
    producer = Producer(company.pipeline.environ["MAILWEAVE_KAFKA"], "poison")
    producer.send_all([Output(topic, b"poison %d" % n, value) for n, value in enumerate(poison)])
    producer.close()

    def dead() -> list[dict[str, Any]]:
        lines = company.pipeline.mailweave("dead", "list", "--topic", topic, "--json").stdout.splitlines()
        found = [json.loads(line) for line in lines]
        return found if len(found) == len(poison) else []

    letters = until(dead)
    assert {letter["code"] for letter in letters} == {"undecodable_record"}
    (alert,) = until(lambda: alerts(company, "dead_letter", f"/{topic}"))
    company.pipeline.mailweave("dead", "discard", "--topic", topic, "--reason", "poison of a test")
    until(lambda: [a for a in alerts(company, "dead_letter", f"/{topic}", state="resolved") if a["id"] == alert["id"]])


def _settings() -> dict[str, Any]:
    return {"key": "x", "version": 1, "author": "x", "time": datetime.now(UTC), "reason": "x", "value": None}
