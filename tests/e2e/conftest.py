"""One invented company for all end-to-end tests; each test uses ids of its own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.cli import stack as local
from services.cli.stack.certificate import make as make_certificate
from services.cli.stack.ports import settle
from tests.conftest import PASSWORD, Pipeline, environ_of

ANNA = "anna@own.example"
BEN = "ben@own.example"
SUPPORT = "support@own.example"
KIM = "Kim <kim@customer.example>"
LEE = "Lee <lee@customer.example>"

DIRECTORY = (
    {"type": "user", "id": "anna", "name": "Anna", "addresses": [ANNA], "owner": None, "active": True},
    {"type": "user", "id": "ben", "name": "Ben", "addresses": [BEN], "owner": None, "active": True},
    {
        "type": "queue",
        "id": "support",
        "name": "Support",
        "addresses": [SUPPORT],
        "owner": {"type": "user", "id": "ben"},
        "active": True,
    },
    {
        "type": "contact",
        "id": "kim",
        "name": "Kim",
        "addresses": ["kim@customer.example"],
        "owner": {"type": "user", "id": "anna"},
        "active": True,
    },
)


@dataclass(frozen=True)
class Company:
    """The running pipeline that reads the mailboxes of Anna and Ben (filter 1) and of the queue (filter 0)."""

    pipeline: Pipeline

    @property
    def postgres(self) -> str:
        return self.pipeline.config.postgres

    @property
    def kafka(self) -> str:
        return self.pipeline.config.kafka


@pytest.fixture(scope="package")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Real servers and all services: one fetcher, two correlators, two resolvers."""
    folder = tmp_path_factory.mktemp("pipeline")
    home, passwords = folder / "home", folder / "password"
    passwords.write_text(PASSWORD)
    (folder / "ingest").mkdir()
    make_certificate(folder / "endpoint.pem", folder / "endpoint.key")
    ports = settle(["lmtp", "endpoint"], {})
    pushed = {
        "MAILWEAVE_LMTP": f"127.0.0.1:{ports['lmtp']}",
        "MAILWEAVE_INGEST": str(folder / "ingest"),
        "MAILWEAVE_ENDPOINT": f"127.0.0.1:{ports['endpoint']}",
        "MAILWEAVE_ENDPOINT_CERT": str(folder / "endpoint.pem"),
        "MAILWEAVE_ENDPOINT_KEY": str(folder / "endpoint.key"),
    }
    running = Pipeline(home, environ_of(home, pushed), passwords)
    try:
        running.mailweave("up", "--replicas", "correlator=2", "--replicas", "resolver=2")
        yield Pipeline(home, environ_of(home, {**_stack_env(home), **pushed}), passwords)
    finally:
        running.mailweave("down", check=False)
        local.down(home)


def _stack_env(home: Path) -> dict[str, str]:
    lines = (home / "stack.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture(scope="package")
def company(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Company:
    file = tmp_path_factory.mktemp("company") / "directory.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in DIRECTORY), "utf-8")
    pipeline.mailweave("directory", "apply", file)
    for address, owner in ((ANNA, "user:anna"), (BEN, "user:ben"), (SUPPORT, "queue:support")):
        pipeline.add_mailbox(address, owner)
    return Company(pipeline)
