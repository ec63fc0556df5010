"""People who change conversations, in this process or in one that is meant to die."""

import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from services.contracts.codec import encode
from services.correlator import commands
from services.runtime.records import Batch, Input
from services.storage.postgres import Database

ROOT = Path(__file__).parents[3]
HASH_KEY = b"k" * 32


def command(kind: str, about: str, target: str = "", onto: str = "", id_: str = "") -> bytes:
    return encode(
        "Command",
        {
            "id": id_ or str(uuid4()),
            "kind": kind,
            "object": f"message/{about}",
            "author": "mira",
            "reason": "wrong",
            "time": datetime.now(UTC),
            "target": target,
            "onto": onto,
            "address": "",
            "record": "",
            "only_this": False,
        },
    )


def carry_out(url: str, *values: bytes) -> Batch:
    batch = Batch([Input("commands", 0, n, b"", value, {}) for n, value in enumerate(values)])
    with closing(Database(url, "correlator")) as database:
        commands.carry_out(batch, database=database, hash_key=HASH_KEY, announced=lambda: None)
    return batch


def doomed(url: str, kind: str, about: str, id_: str, crash_at: str) -> "subprocess.Popen[bytes]":
    """Start a process that carries out a command until it dies."""
    return subprocess.Popen([sys.executable, "-m", __name__, url, kind, about, id_, crash_at], cwd=ROOT)


if __name__ == "__main__":
    from services.runtime import crash

    address, asked, message_id, which, deadly = sys.argv[1:]
    crash.arm(deadly)
    carry_out(address, command(asked, message_id, id_=which))
