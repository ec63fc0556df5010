"""An endpoint that runs, what lets a router in, and a router's checks as the router makes them."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

from services.fetcher.endpoint.server import Server
from services.fetcher.ledger import Outside
from services.fetcher.polling import Ports
from services.router.checks import Checker
from services.router.client import Client
from services.router.ledger import Remote
from services.router.mailboxes import Mailbox, MailboxTable
from services.runtime.listen import Address, Endpoint
from services.settings.models import ServerProfile
from services.settings.snapshot import EMPTY, Snapshot, apply
from services.storage import router_tokens
from services.storage.blobs import BlobFolder
from services.storage.postgres import Database
from services.storage.sealing import Secret

HOST = "127.0.0.1"
PLAIN = Endpoint(address=Address(HOST, 0), plain=True)


def settings(
    *mailboxes: str,
    engine: str = "router",
    router: str | None = None,
    megabytes: int = 25,
    rules: Mapping[str, str] = MappingProxyType({}),
    sent: bool = False,
    **fields: object,
) -> Snapshot:
    """
    Settings that leave these mailboxes to a router; ``fields`` are those of each mailbox.

    ``rules`` are those of the first mailbox, the folder by the name of the rule.
    """
    made = apply(EMPTY, "server-profile/s", 1, {"host": "imap.example.org", "port": 993, "router": router})
    organization = {"message.maxMb": megabytes, "processing.engine": engine, "tracking.sentItems": sent}
    made = apply(made, "organization", 2, organization)
    for address in mailboxes:
        mailbox = {"address": address, "serverProfile": "s", "user": "u", "credential": "c", **fields}
        made = apply(made, f"mailbox/{address}", 3, mailbox)
    for name, folder in rules.items():
        made = apply(made, f"folder-rule/{name}", 4, {"mailbox": mailboxes[0], "folder": folder})
    return made


@dataclass
class Running:
    """An endpoint that runs; ``snapshot`` are the settings in force, to be replaced at will."""

    port: int
    stopping: threading.Event
    thread: threading.Thread
    snapshot: Snapshot

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(20)
        assert not self.thread.is_alive()

    def client(self, token: str) -> Client:
        return Client(self.url, lambda: Secret(token.encode()), None)


@contextmanager
def serving(ports, snapshot: Snapshot, config: Endpoint = PLAIN) -> Iterator[Running]:
    server = Server(config, lambda: running.snapshot, ports if callable(ports) else lambda: ports)
    stopping = threading.Event()
    thread = threading.Thread(target=server.run, args=(stopping,), daemon=True)
    running = Running(server.port, stopping, thread, snapshot)
    thread.start()
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def settings_role(outside):
    with closing(Database(outside.url, "settings")) as database, database.transaction() as connection:
        yield connection


def token_of(outside, router: str | None = None) -> str:
    """Make a token, for a router of its own."""
    with settings_role(outside) as connection:
        return router_tokens.create(connection, router or f"r{uuid4().hex[:12]}").reveal().decode()


@contextmanager
def through_endpoint(outside, room: Path) -> Iterator[Callable[[Ports], Outside]]:
    """Give what makes of ports those of a router, whose endpoint has the ports."""
    behind = outside.ports

    def through(ports: Ports) -> Outside:
        nonlocal behind
        behind = ports
        return Remote(client=client, blobs=BlobFolder(room / "room"), now=ports.now, limit=25 << 20)

    with serving(lambda: behind, settings(outside.mailbox, rules={"a": "A", "r": "R"})) as running:
        client = running.client(token_of(outside))
        yield through
        client.close()


def checking(running: Running, token: str, room: Path) -> Checker:
    """The router's checker in this thread."""
    client = running.client(token)
    return Checker(client=lambda: client, room=room, ca_file=None)


def mailbox_at(address: str, server, room: Path, *, password: str = "secret", protocol="imap", **table) -> Mailbox:
    """A mailbox of the router's file."""
    file = room / f"{uuid4().hex}.password"
    file.write_text(password)
    profile = ServerProfile(protocol=protocol, host=HOST, port=server.port, tls="none", timeoutSeconds=5)
    table = {"address": address, "server": "main", "user": address, "password_file": str(file), **table}
    return Mailbox(MailboxTable.model_validate(table), profile, file, room / "tokens")


def said(port: int, *pieces: bytes, close: bool = False, seconds: float = 20) -> tuple[int, dict[str, object]]:
    """Say something to the endpoint, byte by byte; return status and content of the answer, 0 when there is none."""
    with socket.create_connection((HOST, port), timeout=seconds) as sock:
        for piece in pieces:
            sock.sendall(piece)
        if close:
            sock.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := sock.recv(65536):
                answer += piece
                head, blank, body = answer.partition(b"\r\n\r\n")
                if blank and len(body) >= _length(head):
                    break
        except ConnectionResetError:
            pass
    if not answer:
        return 0, {}
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body) if body[:1] == b"{" else {"text": body.decode("latin-1")}


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 1 << 30
