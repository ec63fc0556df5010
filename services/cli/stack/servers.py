"""The servers a stack is made of."""

from services.cli.stack.dovecot import Dovecot
from services.cli.stack.errors import StackError
from services.cli.stack.kafka import Kafka
from services.cli.stack.postgres import Postgres
from services.cli.stack.server import Server
from services.cli.stack.valkey import Valkey

SERVERS: tuple[Server, ...] = (Kafka(), Postgres(), Valkey(), Dovecot())
NAMES = tuple(server.name for server in SERVERS)


def server_named(name: str) -> Server:
    """The server of that name."""
    for server in SERVERS:
        if server.name == name:
            return server
    raise StackError(f"There is no server {name!r} in the stack; it has {', '.join(NAMES)}.")
