"""One invented company for all end-to-end tests; each test uses ids of its own."""

import json
from dataclasses import dataclass

import pytest

from tests.conftest import Pipeline

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


@pytest.fixture(scope="session")
def company(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Company:
    file = tmp_path_factory.mktemp("company") / "directory.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in DIRECTORY), "utf-8")
    pipeline.mailweave("directory", "apply", file)
    for address, owner in ((ANNA, "user:anna"), (BEN, "user:ben"), (SUPPORT, "queue:support")):
        pipeline.add_mailbox(address, owner)
    return Company(pipeline)
