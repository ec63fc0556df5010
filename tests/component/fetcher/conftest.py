"""What the fetcher's tests share: stores of the stack, an address of their own, ports that keep what they send."""

from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from services import contracts
from services.fetcher.imap import Server
from services.fetcher.polling import Ports
from services.storage.blobs import BlobFolder
from services.storage.cache import redis_client
from services.storage.postgres import Database
from tests.component.fetcher.hostile import HostileServer
from tests.component.fetcher.routed import through_endpoint

REDIS_DATABASE = "/9"  # these tests flush it


@dataclass
class Outside:
    """Ports on real stores, and a look at what they hold; Kafka is a list here."""

    url: str
    mailbox: str
    ports: Ports
    sent: list[Any] = field(default_factory=list)

    def records(self) -> list[dict[str, Any]]:
        return [contracts.decode(row.value)[1] for row in self.sent]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, options="-c role=mailweave_reader") as connection:
            return connection.execute(query.encode(), {"mailbox": self.mailbox}).fetchall()

    def uids(self) -> list[int]:
        query = "SELECT uid FROM fetcher.delivery WHERE mailbox = %(mailbox)s ORDER BY uidvalidity, uid"
        return [row[0] for row in self.rows(query)]

    def cursor(self) -> tuple[int, int, int] | None:
        query = "SELECT uidvalidity, uid, uidnext FROM fetcher.cursor WHERE mailbox = %(mailbox)s AND folder = 'INBOX'"
        found = self.rows(query)
        return (found[0][0], found[0][1], found[0][2]) if found else None


@pytest.fixture
def outside(stack, tmp_path):
    url = stack.environ["MAILWEAVE_POSTGRES"]
    found = Outside(url=url, mailbox=f"m{uuid4().hex[:12]}@example.org", ports=None)  # type: ignore[arg-type]
    with closing(Database(url, "fetcher")) as database:
        found.ports = Ports(
            database=database,
            blobs=BlobFolder(tmp_path / "blobs"),
            send=found.sent.extend,
            now=lambda: datetime.now(UTC),
        )
        yield found


@pytest.fixture(params=["fetcher", "router"])
def through(request, outside, tmp_path):
    """A mailbox as the fetcher reads it itself, and as a router does: what makes of ports what a check reads with."""
    if request.param == "fetcher":
        yield lambda ports: ports
        return
    with through_endpoint(outside, tmp_path) as found:
        yield found


@pytest.fixture
def redis(stack):
    url = urlunsplit(urlsplit(stack.environ["MAILWEAVE_REDIS"])._replace(path=REDIS_DATABASE))
    with closing(redis_client(url)) as client:
        client.flushdb()
        yield client


@pytest.fixture
def hostile():
    """Make hostile servers that are closed at the end."""
    servers: list[HostileServer] = []

    def make(*args, **hooks):
        servers.append(HostileServer(*args, **hooks))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def dovecot(stack, outside):
    """Return the server of a new mailbox on the real Dovecot; user and address are ``outside.mailbox``."""
    from services.cli.stack import add_user  # noqa: PLC0415 - only where a stack is

    add_user(Path(stack.environ["MAILWEAVE_HOME"]), outside.mailbox, "secret")
    host, _, port = stack.environ["MAILWEAVE_IMAP"].rpartition(":")
    return Server(host=host, port=int(port), tls="none", seconds=10)
