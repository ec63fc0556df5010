"""Servers behind proxies, a company with mailboxes, and two replicas of every service."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from services.cli import stack as local
from services.cli.lifecycle_commands import prepare
from services.cli.stack.ports import settle
from services.runtime.config import CHECKOUT
from tests.conftest import PASSWORD, Pipeline, environ_of
from tests.faults import cursor_log
from tests.faults.disk import Disk
from tests.faults.kafka_behind_proxy import announced
from tests.faults.mails import INBOX, MAILBOXES, SENT
from tests.faults.proxy import CALM, Network, Proxy
from tests.faults.replicas import Replicas

VARIABLES = {
    "kafka": "MAILWEAVE_KAFKA",
    "postgres": "MAILWEAVE_POSTGRES",
    "valkey": "MAILWEAVE_REDIS",
    "dovecot": "MAILWEAVE_IMAP",
}
OWNERS = {
    "anna@own.example": "user:anna",
    "ben@own.example": "user:ben",
    "support@own.example": "queue:support",
    "sales@own.example": "queue:sales",
}


@dataclass(frozen=True)
class World:
    """Everything that runs. ``pipeline`` reaches the servers directly, the replicas only through the proxies."""

    home: Path
    pipeline: Pipeline
    proxies: Mapping[str, Proxy]
    replicas: Replicas
    disk: Disk

    def calm(self) -> None:
        """End every trouble of the network."""
        for proxy in self.proxies.values():
            proxy.trouble = CALM


@contextmanager
def world(folder: Path, *, source: Path = CHECKOUT, disk_bytes: int = 256 << 20) -> Iterator[World]:
    """Bring a world up, its services run from ``source``; at the end only its logs are left, in ``folder``."""
    home, passwords = folder / "home", folder / "password"
    passwords.write_text(PASSWORD)
    with ExitStack() as leaving:
        network = Network()
        leaving.callback(network.close)
        ports = settle(["kafka-proxied", *VARIABLES], {})
        leaving.enter_context(announced(ports["kafka-proxied"], ports["kafka"]))
        started = local.up(home, environ={"PATH": os.environ["PATH"]})
        leaving.callback(local.down, home)
        leaving.callback(shutil.copytree, home / "log", folder / "log")
        disk = Disk(home / "disk", disk_bytes)
        leaving.callback(disk.close)
        behind = {
            "kafka": ports["kafka-proxied"],
            "postgres": started.ports["postgres"],
            "valkey": started.ports["valkey"],
            "dovecot": started.ports["imap"],
        }
        proxies = {name: network.proxy(ports[name], behind[name]) for name in VARIABLES}
        direct = {**started.variables, "MAILWEAVE_BLOBS": str(disk.blobs)}
        proxied = {variable: _through(started.variables[variable], ports[name]) for name, variable in VARIABLES.items()}
        # The mailboxes are added, and read, through the proxy: the settings hold the server's address.
        outside = environ_of(home, {**direct, "MAILWEAVE_IMAP": proxied["MAILWEAVE_IMAP"]})
        pipeline = Pipeline(home, outside, passwords)
        prepare(pipeline.config)
        cursor_log.install(pipeline.config.postgres)
        replicas = Replicas(home, environ_of(home, {**direct, **proxied}), source)
        leaving.callback(replicas.close)
        _found(pipeline, folder / "directory.jsonl")
        replicas.start()
        replicas.until_ready(pipeline.config)
        yield World(home, pipeline, proxies, replicas, disk)


def _through(address: str, port: int) -> str:
    """Return the same address on another port."""
    if "://" not in address:
        return f"{address.rpartition(':')[0]}:{port}"
    parts = urlsplit(address)
    assert parts.port is not None
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{port}")))


def _found(pipeline: Pipeline, file: Path) -> None:
    """Make the company: users and queues with a mailbox each, and some customers that the directory knows."""
    records: list[dict[str, object]] = []
    for address, owner in OWNERS.items():
        kind, _, name = owner.partition(":")
        above = {"type": "user", "id": "ben"} if kind == "queue" else None
        records.append({"type": kind, "id": name, "name": name, "addresses": [address], "owner": above, "active": True})
    for number in range(0, 40, 2):
        address = f"customer{number}@customer.example"
        whose = {"type": "user", "id": "anna"}
        records.append(
            {"type": "contact", "id": f"c{number}", "name": "", "addresses": [address], "owner": whose, "active": True}
        )
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    pipeline.mailweave("directory", "apply", file)
    for address in MAILBOXES:
        pipeline.add_mailbox(address, OWNERS[address], "--folder", INBOX, "--folder", SENT)
