"""Mailboxes that are left to a router: a process of its own that knows nothing but its file and the endpoint."""

import json
import signal
from pathlib import Path

import pytest

from tests.e2e import store
from tests.e2e.conftest import Company
from tests.e2e.routers import accepted, deliveries, left_to_routers, mailbox_and_router, post
from tests.e2e.test_alerts import until

pytestmark = pytest.mark.e2e


def test_the_processing_method_says_who_reads(company: Company, tmp_path: Path):
    """The row "Processing method", changed both ways while everything runs: no mail twice, none left out."""
    pipeline, domain = company.pipeline, "switched.example"
    with mailbox_and_router(company, "switched", tmp_path) as (address, router):
        sent = post(company, address, domain, 1, 2)
        until(lambda: accepted(company, f"%@{domain}") == sent)
        checked = pipeline.mailweave("router", "check", "--config", tmp_path / "router.toml").stdout
        assert "processing.engine is sss" in checked
        assert f"well   {address}: can be read" in checked

        with left_to_routers(company):
            before = until(lambda: shown(company, address)["last_check"])
            sent |= post(company, address, domain, 3)
            assert "left to the router; none has come yet" == shown(company, address)["read_by"]
            assert "read by     left to the router" in pipeline.mailweave("mailbox", "show", address).stdout
            assert (2, before) == (deliveries(company, address), shown(company, address)["last_check"])
            refused = pipeline.mailweave("verify", "--server", check=False)
            assert (2, True) == (refused.returncode, "left to routers" in refused.stderr)
            # Its mailboxes name no router, so any will do; one that none comes for would be an alert.
            needed = "SELECT needed IS NOT NULL FROM fetcher.router WHERE router = ''"
            until(lambda: store.rows(company.postgres, needed) == [(True,)])
            router.start()
            until(lambda: accepted(company, f"%@{domain}") == sent)
            assert "left to the router, switched is the last that came" == shown(company, address)["read_by"]
            assert "enabled" == shown(company, address)["state"]
            assert "success at" in pipeline.tested(address).stdout
            (listed,) = [r for r in routers(company) if r["router"] == "switched"]
            assert ("good", False, 1) == (listed["token"], listed["silent"], listed["mailboxes"])
            assert listed["lastHeard"]

        sent |= post(company, address, domain, 4)
        until(lambda: accepted(company, f"%@{domain}") == sent)
        assert "the fetcher" == shown(company, address)["read_by"]
        until(lambda: b"left_to_fetcher" in (tmp_path / "log").read_bytes())
        assert 0 == router.end(signal.SIGTERM)
        assert 4 == deliveries(company, address)
        assert "All is well." in pipeline.mailweave("verify", "--server", "--mailbox", address).stdout


def shown(company: Company, address: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(company.pipeline.mailweave("mailbox", "show", address, "--json").stdout)
    incoming = found["incoming"]
    assert isinstance(incoming, dict)
    return incoming


def routers(company: Company) -> list[dict[str, object]]:
    return [json.loads(line) for line in company.pipeline.mailweave("router", "list", "--json").stdout.splitlines()]


def test_a_router_whose_file_is_wrong_says_so_and_ends(company: Company, tmp_path: Path):
    (tmp_path / "router.toml").write_text('endpoint = "http://far.example"\n')
    for command in ("run", "check"):
        done = company.pipeline.mailweave("router", command, "--config", tmp_path / "router.toml", check=False)
        assert (2, True, False) == (done.returncode, "is missing: give it" in done.stderr, "Traceback" in done.stderr)
