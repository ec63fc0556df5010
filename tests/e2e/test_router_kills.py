"""A router and the fetcher that it hands mail to, killed at work: every mail is filed, once."""

import os
import signal
from pathlib import Path

import pytest

from services.cli.service_processes import Roster, last_words
from tests.e2e.conftest import Company
from tests.e2e.routers import accepted, deliveries, left_to_routers, mailbox_and_router, post
from tests.e2e.test_alerts import until
from tests.e2e.test_crash import dead

pytestmark = pytest.mark.e2e


def kill_fetcher(company: Company) -> None:
    """A process that waits for its disk outlives its SIGKILL, and what still runs is not started again."""
    pipeline = company.pipeline
    (service,) = [one for one in Roster(pipeline.home).all() if one.name == "fetcher-1"]
    os.kill(service.process.pid, signal.SIGKILL)
    dead(pipeline, "fetcher-1")
    assert "started" in pipeline.mailweave("service", "start", "fetcher-1").stdout


def handed_in(company: Company, address: str) -> int:
    """How many mails the fetcher has of a mailbox; that it runs is asked first, since nobody else would say."""
    roster = Roster(company.pipeline.home)
    assert "fetcher-1" in {one.name for one in roster.living()}, last_words(roster, "fetcher-1")
    return deliveries(company, address)


def test_every_mail_is_filed_once_whoever_is_killed(company: Company, tmp_path: Path):
    """The router and the fetcher that it hands mail to are killed in the middle of their work, more than once."""
    pipeline, domain, many = company.pipeline, "killed.example", 600
    with mailbox_and_router(company, "killed", tmp_path) as (address, router), left_to_routers(company):
        sent = post(company, address, domain, *range(1, many + 1))
        router.start()
        for part in (1, 101, 301):
            until(lambda part=part: handed_in(company, address) >= part, seconds=180)  # type: ignore[misc]
            assert -signal.SIGKILL == router.end(signal.SIGKILL)
            router.start()
            kill_fetcher(company)
        sent |= post(company, address, domain, many + 1)  # by the router that was started last
        until(lambda: handed_in(company, address) == many + 1, seconds=180)
        until(lambda: accepted(company, f"%@{domain}") == sent, seconds=120)
        assert 0 == router.end(signal.SIGTERM)
        log = (tmp_path / "log").read_text()
        assert "Mailboxes are left to routers" in pipeline.mailweave("wait").stdout
        pipeline.mailweave("verify", "--mailbox", address)

    assert many + 1 == deliveries(company, address)
    token = (tmp_path / "token").read_text().strip()
    assert token.partition(".")[2] not in log
    assert "Traceback" not in log
    assert address not in log


def test_a_fetcher_that_dies_before_it_has_answered_is_handed_the_same_mails_again(company: Company, tmp_path: Path):
    """At each step of the order that is the guarantee: blobs durable, record acknowledged, rows committed."""
    pipeline, domain = company.pipeline, "unanswered.example"
    sent: set[str] = set()
    with mailbox_and_router(company, "unanswered", tmp_path) as (address, router), left_to_routers(company):
        router.start()
        for number, step in enumerate(("blobs_stored", "acknowledged", "committed")):
            pipeline.mailweave("service", "stop", "fetcher-1")
            pipeline.mailweave("service", "start", "fetcher-1", MAILWEAVE_CRASH_AT=f"fetcher.{step}")
            sent.update(post(company, address, domain, 2 * number, 2 * number + 1))
            dead(pipeline, "fetcher-1")
            pipeline.mailweave("service", "start", "fetcher-1")
            until(lambda: accepted(company, f"%@{domain}") == sent)
        assert 6 == deliveries(company, address)
        pipeline.mailweave("verify", "--mailbox", address)
