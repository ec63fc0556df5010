"""A router of a test: a process of its own, with a mailbox that is left to it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import CHECKOUT, PASSWORD
from tests.e2e import store
from tests.e2e.conftest import KIM, Company
from tests.e2e.mails import mail

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
