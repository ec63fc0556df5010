"""Rows of the settings page that say which mailboxes there are and which are read, changed on a running pipeline."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.cli import stack as local
from tests.component.fetcher.outgoing_server import Envelopes, listening
from tests.conftest import PASSWORD
from tests.e2e.conftest import KIM, Company
from tests.e2e.mails import mail
from tests.e2e.settings_page import changes, set_now, setting
from tests.e2e.test_alerts import until
from tests.e2e.test_mail import activities

pytestmark = pytest.mark.e2e


def shown(company: Company, address: str) -> Any:
    return json.loads(company.pipeline.mailweave("mailbox", "show", address, "--json").stdout)


def in_state(company: Company, address: str, state: str, direction: str = "incoming") -> bool:
    return bool(shown(company, address)[direction]["state"] == state)


@pytest.mark.parametrize(
    ("key", "owner"), [("approval__usersOnly", "user:ben"), ("approval__queuesOnly", "queue:support")]
)
@changes("Process e-mail only for approved users", "Process e-mail only for approved queues")
def test_a_mailbox_that_is_not_approved_is_read_while_no_approval_is_asked(company: Company, key: str, owner: str):
    address = f"unapproved-{owner.partition(':')[0]}@own.example"
    company.pipeline.add_mailbox(address, owner)
    try:
        company.pipeline.mailweave("mailbox", "reject", address)
        until(lambda: in_state(company, address, "pending_approval"))
        with setting(company, **{key: False}):
            until(lambda: in_state(company, address, "enabled"))
        until(lambda: in_state(company, address, "pending_approval"))
    finally:
        company.pipeline.mailweave("mailbox", "remove", address)


@pytest.fixture
def outgoing() -> Iterator[int]:
    """The port of a server that lets everybody send whose password is the usual one."""
    names = ("first@own.example", "second@own.example")
    with listening(Envelopes(), dict.fromkeys(names, PASSWORD)) as server:
        yield server.port


def arrives(company: Company, file: Path, name: str) -> str:
    """Have a user come into the directory, and a mailbox of its address onto the server; return the address."""
    address = f"{name}@own.example"
    local.add_user(company.pipeline.home, address, PASSWORD)
    file.write_text(json.dumps({"type": "user", "id": name, "name": name, "addresses": [address]}) + "\n", "utf-8")
    company.pipeline.mailweave("directory", "apply", file)
    company.pipeline.mailweave("mailbox", "approve", address)
    return address


@changes(
    "Default synchronization method",
    "Default synchronization method: incoming e-mail",
    "Default synchronization method: outgoing e-mail",
    "Default synchronization method: appointments, contacts, tasks",
)
def test_a_new_user_gets_a_mailbox_by_the_defaults_of_that_time(company: Company, tmp_path: Path, outgoing: int):
    """The first is read and may send with a credential that all share; the second is left to the Outlook client."""
    pipeline, made = company.pipeline, []
    host, _, port = pipeline.environ["MAILWEAVE_IMAP"].rpartition(":")
    shared = ("credentialRetrieval=profile", "credential=shared")
    sending = ("outgoingHost=127.0.0.1", f"outgoingPort={outgoing}", "outgoingTls=none")
    pipeline.mailweave("credential", "set", "shared", "--password-file", pipeline.passwords)
    for profile in ("here", "there"):
        at = (f"host={host}", f"port={port}", "tls=none", "pollSeconds=1")
        pipeline.mailweave("settings", "set", f"server-profile/{profile}", *at, *shared, *sending)
    try:
        set_now(company, defaults__serverProfileId="here", defaults__act="none")
        made.append(first := arrives(company, tmp_path / "first.jsonl", "first"))
        until(lambda: in_state(company, first, "enabled"))
        until(lambda: in_state(company, first, "enabled", "outgoing"))
        others = {"defaults__outgoing": "none", "defaults__act": "client"}
        set_now(company, defaults__serverProfileId="there", defaults__incoming="client", **others)
        made.append(second := arrives(company, tmp_path / "second.jsonl", "second"))

        set_now(company, filter__userDefault=0)
        for address in (first, second):
            pipeline.append(address, mail(f"to-{address}", from_=KIM, to=address))
        pipeline.wait()

        assert ("here", "sss", "sss", "none") == methods(company, first)
        assert ("there", "client", "none", "client") == methods(company, second)
        assert {f"to-{first}"} == {a for a in activities(company, "own.example") if a.startswith("to-")}
        assert "Outlook client" in shown(company, second)["incoming"]["words"]

        pipeline.mailweave("mailbox", "apply-defaults", first)
        until(lambda: in_state(company, first, "deactivated"))
        assert ("there", "client", "none", "client") == methods(company, first)
    finally:
        fields = ("serverProfileId", "incoming", "outgoing", "act")
        names = [f"defaults.{field}" for field in fields]
        pipeline.mailweave("settings", "unset", "organization", *names, "filter.userDefault", check=False)
        for address in made:
            pipeline.mailweave("mailbox", "remove", address)


def methods(company: Company, address: str) -> tuple[str, ...]:
    found = shown(company, address)
    return (found["serverProfile"], *(found["methods"][name] for name in ("incoming", "outgoing", "act")))
