"""
The local stack: real Kafka, PostgreSQL, Valkey and Dovecot, on loopback, without containers.

Each server is a process of its own that outlives the command. Everything a stack has lies in its home;
several stacks live side by side; ``down`` leaves nothing behind.
"""

from services.cli.stack.bringing import Ready
from services.cli.stack.errors import StackError
from services.cli.stack.mailboxes import add_user
from services.cli.stack.paths import home_of
from services.cli.stack.reporting import ServerStatus, status
from services.cli.stack.servers import NAMES
from services.cli.stack.stack import Stack, down, kill, start, up

__all__ = [
    "NAMES",
    "Ready",
    "ServerStatus",
    "Stack",
    "StackError",
    "add_user",
    "down",
    "home_of",
    "kill",
    "start",
    "status",
    "up",
]
