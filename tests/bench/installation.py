"""A whole Mailweave for one run: its servers and services, a mailbox, and the moment when all is decided."""

import imaplib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from services.cli import stack as local

CHECKOUT = Path(__file__).parents[2]
PASSWORD = "correct horse"
# By key, so that the question costs the same however much is stored: its CPU is PostgreSQL's.
_BY_KEY = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
_DECIDED = (
    "SELECT (SELECT count(*) FROM fetcher.delivery f JOIN resolver.decision d ON d.delivery_id = f.id AND d.current"
    " WHERE f.mailbox = %s AND f.uid IS NOT NULL),"
    " (SELECT count(*) FROM resolver.outbox) + (SELECT count(*) FROM resolver.job)"
)
_FETCHED = "SELECT coalesce(max(uid), 0) FROM fetcher.cursor WHERE mailbox = %s"


class Installation:
    """Servers and services in a home of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ: dict[str, str] = {}
        self._given = {k: v for k, v in os.environ.items() if not k.startswith("MAILWEAVE_")}

    @contextmanager
    def running(self, replicas: Iterable[str] = ()) -> Iterator[None]:
        """Start everything, and leave nothing."""
        try:
            self.mailweave("up", *(part for one in replicas for part in ("--replicas", one)))
            lines = (self.home / "stack.env").read_text().splitlines()
            self.environ = dict(line.split("=", 1) for line in lines if "=" in line)
            yield
        finally:
            self.mailweave("down", check=False)
            local.down(self.home)

    def mailweave(self, *args: str | Path, check: bool = True) -> str:
        """Run the command line."""
        done = subprocess.run(
            [sys.executable, "-m", "services.cli", *map(str, args)],
            env={**self._given, **self.environ, "MAILWEAVE_HOME": str(self.home)},
            cwd=CHECKOUT,
            text=True,
            capture_output=True,
            check=False,
        )
        if check and done.returncode:
            raise SystemExit(f"bench: mailweave {' '.join(map(str, args))}: {done.stdout}{done.stderr}")
        return done.stdout

    def roots(self) -> dict[str, int]:
        """Return the process ids of services and servers by name."""
        stack = json.loads((self.home / "stack.json").read_text())["processes"]
        services = json.loads((self.home / "services.json").read_text())
        return {name: one["pid"] for name, one in (*services.items(), *stack.items())}

    def database(self) -> psycopg.Connection[tuple[int, ...]]:
        """Connect as the administrator."""
        return psycopg.connect(self.environ["MAILWEAVE_POSTGRES"], autocommit=True)

    def directory(self, addresses: Iterable[str]) -> None:
        """Make each address a queue, which takes every mail."""
        lines = [
            json.dumps({"type": "queue", "id": a, "name": a, "addresses": [a], "owner": None, "active": True})
            for a in addresses
        ]
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            self.mailweave("directory", "apply", file.name)

    def append(self, address: str, mails: Iterable[bytes]) -> None:
        """Put mails into a new mailbox of the IMAP server."""
        local.add_user(self.home, address, PASSWORD)
        host, _, port = self.environ["MAILWEAVE_IMAP"].rpartition(":")
        client = imaplib.IMAP4(host, int(port))
        with closing(client.socket()):
            client.login(address, PASSWORD)
            for mail in mails:
                client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), mail)
            client.logout()

    def watch(self, address: str, poll_seconds: int = 1) -> None:
        """Have a mailbox read from now on."""
        with tempfile.NamedTemporaryFile("w") as password:
            password.write(PASSWORD)
            password.flush()
            server = ("--imap", self.environ["MAILWEAVE_IMAP"], "--tls", "none", "--user", address)
            polled = ("--poll-seconds", str(poll_seconds), "--owner", f"queue:{address}", "--no-check")
            self.mailweave("mailbox", "add", address, *server, "--password-file", password.name, *polled)

    def poll_only(self) -> None:
        """Have no mailbox idle any more."""
        for key in json.loads(self.mailweave("settings", "export")):
            if key.startswith("server-profile/"):
                self.mailweave("settings", "set", key, "idle=false")

    def until_decided(self, address: str, count: int, seconds: float) -> float:
        """Return the moment at which ``count`` mails of a mailbox were decided and every event had gone to Kafka."""
        end = time.time() + seconds
        uid = decided = waiting = 0
        with self.database() as connection:
            connection.execute(_BY_KEY)
            while time.time() < end:
                # The last mail has this UID. Counting costs what it counts, so it begins when that one was fetched.
                (uid,) = connection.execute(_FETCHED, (address,)).fetchone() or (0,)
                if uid < count:
                    time.sleep(0.2)
                    continue
                decided, waiting = connection.execute(_DECIDED, (address,)).fetchone() or (0, 0)
                if decided >= count and not waiting:
                    return time.time()
                time.sleep(0.25)
        raise SystemExit(
            f"bench: of {count} mails {uid} were fetched and {decided} decided in {seconds:.0f} s, {waiting} rows wait"
        )


def figures(count: int, seconds: float, cpu: Mapping[str, tuple[float, float]]) -> dict[str, object]:
    """Return mails per second and CPU seconds per 1,000 mails: of each process, and of all."""
    each = {name: round((user + system) * 1000 / count, 3) for name, (user, system) in sorted(cpu.items())}
    return {
        "mails_per_second": round(count / seconds),
        "cpu_per_1000": each,
        "cpu_per_1000_all": round(sum(each.values()), 2),
    }
