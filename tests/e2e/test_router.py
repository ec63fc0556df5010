"""Mailboxes that are left to a router: a process of its own that knows nothing but its file and the endpoint."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.cli.service_processes import Roster
from tests.conftest import CHECKOUT, PASSWORD
from tests.e2e import store
from tests.e2e.conftest import KIM, Company
from tests.e2e.mails import mail
from tests.e2e.test_alerts import until
from tests.e2e.test_crash import dead

pytestmark = pytest.mark.e2e

FILE = """
endpoint = "https://{endpoint}"
token_file = "token"
ca_file = "{ca_file}"
state = "state"

[servers.near]
host = "127.0.0.1"
port = {port}
tls = "none"

[[mailboxes]]
address = "{address}"
server = "near"
user = "{address}"
password_file = "password"
interval = 1
"""


@dataclass
class Router:
    """A router that can be started, killed and asked."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("MAILWEAVE_")}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.cli", "router", "run", "--config", self.folder / "router.toml"],
                cwd=CHECKOUT, env=environ, stderr=log,
            )  # fmt: skip

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def left_to_routers(company: Company) -> Iterator[None]:
    company.pipeline.mailweave("settings", "set", "organization", "processing.engine=router", "--wait")
    try:
        yield
    finally:
        company.pipeline.mailweave("settings", "set", "organization", "processing.engine=sss", "--wait")


@contextmanager
def mailbox_and_router(company: Company, name: str, folder: Path) -> Iterator[tuple[str, Router]]:
    """Add a mailbox that the installation can read too, and write the file of a router for it."""
    pipeline, address = company.pipeline, f"{name}@own.example"
    pipeline.add_mailbox(address, f"queue:{name}")
    token = pipeline.mailweave("router", "token", "create", name).stdout
    (folder / "token").write_text(token)
    (folder / "password").write_text(PASSWORD)
    text = FILE.format(
        endpoint=pipeline.environ["MAILWEAVE_ENDPOINT"],
        ca_file=pipeline.environ["MAILWEAVE_ENDPOINT_CERT"],
        port=pipeline.environ["MAILWEAVE_IMAP"].rpartition(":")[2],
        address=address,
    )
    (folder / "router.toml").write_text(text)
    router = Router(folder)
    try:
        yield address, router
    finally:
        if router.process is not None and router.process.poll() is None:
            router.end(signal.SIGKILL)
        pipeline.mailweave("router", "token", "revoke", name)
        pipeline.mailweave("mailbox", "remove", address)


def accepted(company: Company, pattern: str) -> set[str]:
    """The messages that have become activities; a message that has more than one decision per mailbox is an error."""
    found = store.decisions(company.postgres, pattern)
    assert {1} >= {len(decided) for _, decided in found.values()}
    return {message_id for message_id, (_, decided) in found.items() if decided[0].outcome == "accepted"}


def deliveries(company: Company, mailbox: str) -> int:
    ((count,),) = store.rows(company.postgres, "SELECT count(*) FROM fetcher.delivery WHERE mailbox = %s", mailbox)
    return int(count)


def post(company: Company, address: str, domain: str, *numbers: int) -> set[str]:
    ids = [f"{n}@{domain}" for n in numbers]
    mails = [mail(one, from_=KIM, to=address, minute=n) for one, n in zip(ids, numbers, strict=True)]
    company.pipeline.append(address, *mails)
    return set(ids)


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
            assert "success at" in pipeline.mailweave("mailbox", "test", address, "--wait").stdout
            (listed,) = [r for r in routers(company) if r["router"] == "switched"]
            assert ("good", False, 1) == (listed["token"], listed["silent"], listed["mailboxes"])
            assert listed["lastHeard"]

        sent |= post(company, address, domain, 4)
        until(lambda: accepted(company, f"%@{domain}") == sent)
        assert "the fetcher" == shown(company, address)["read_by"]
        assert b"left_to_fetcher" in until((tmp_path / "log").read_bytes)
        assert 0 == router.end(signal.SIGTERM)
        assert 4 == deliveries(company, address)
        assert "All is well." in pipeline.mailweave("verify", "--server", "--mailbox", address).stdout


def test_every_mail_is_filed_once_whoever_is_killed(company: Company, tmp_path: Path):
    """The router and the fetcher that it hands mail to are killed in the middle of their work, more than once."""
    pipeline, domain, many = company.pipeline, "killed.example", 600
    with mailbox_and_router(company, "killed", tmp_path) as (address, router), left_to_routers(company):
        sent = post(company, address, domain, *range(1, many + 1))
        router.start()
        for part in (1, 101, 301):
            until(lambda part=part: deliveries(company, address) >= part)  # type: ignore[misc]
            assert -signal.SIGKILL == router.end(signal.SIGKILL)
            router.start()
            kill_fetcher(company)
        until(lambda: deliveries(company, address) == many)
        until(lambda: accepted(company, f"%@{domain}") == sent, seconds=120)
        assert 0 == router.end(signal.SIGTERM)
        log = (tmp_path / "log").read_text()
        assert "Mailboxes are left to routers" in pipeline.mailweave("wait").stdout
        pipeline.mailweave("verify", "--mailbox", address)

    assert many == deliveries(company, address)
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


def kill_fetcher(company: Company) -> None:
    (service,) = [one for one in Roster(company.pipeline.home).all() if one.name == "fetcher-1"]
    os.kill(service.process.pid, signal.SIGKILL)
    company.pipeline.mailweave("service", "start", "fetcher-1")


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
