"""
The real servers for tests: one stack for component tests, another with all services for the end-to-end tests.

Both are started when the first test asks for them and stopped, with everything they left, at the end.
"""

import imaplib
import os
import poplib
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from services.cli import stack as local
from services.cli.lifecycle_commands import prepare
from services.cli.stack.certificate import make as make_certificate
from services.cli.stack.ports import settle
from services.cli.stack.state import State
from services.runtime.config import Config, load
from tests import commands

CHECKOUT = Path(__file__).parents[1]
PASSWORD = "correct horse"
LONGEST_FIRST = ("faults", "e2e", "component")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers that share the tests begin with the folders that take longest, so that all end together."""
    if hasattr(config, "workerinput"):
        places = {CHECKOUT / "tests" / name: place for place, name in enumerate(LONGEST_FIRST)}
        items.sort(key=lambda item: min(places.get(one, len(places)) for one in item.path.parents))


@dataclass(frozen=True)
class RunningStack:
    """Real servers, prepared: database migrated, topics made."""

    home: Path
    environ: Mapping[str, str]

    @property
    def config(self) -> Config:
        return load(self.environ)


@dataclass(frozen=True)
class Pipeline(RunningStack):
    """Real servers with all services, two replicas of the stages."""

    passwords: Path

    def mailweave(self, *args: str | Path, check: bool = True, **variables: str) -> CompletedProcess[str]:
        """Run the command line as a user does; with ``check`` a failure fails the test and shows what it said."""
        done = commands.run([*map(str, args)], environ={**self.environ, **variables}, cwd=CHECKOUT, seconds=300)
        if check:
            assert done.returncode == 0, f"mailweave {' '.join(map(str, args))}: {done.stdout}\n{done.stderr}"
        return done

    def add_mailbox(self, address: str, owner: str | None = None, *options: str) -> None:
        """Make a mailbox on the IMAP server and have it read each second."""
        local.add_user(self.home, address, PASSWORD)
        whose: list[str | Path] = ["--owner", owner] if owner else []
        server: list[str | Path] = ["--imap", self.environ["MAILWEAVE_IMAP"], "--tls", "none", "--poll-seconds", "1"]
        login: list[str | Path] = ["--user", address, "--password-file", self.passwords]
        self.mailweave("mailbox", "add", address, *server, *login, *whose, *options)

    def add_pop3_mailbox(self, address: str, *options: str) -> None:
        """Make a mailbox on the mail server and have it read by POP3 each second."""
        local.add_user(self.home, address, PASSWORD)
        server = ["--pop3", f"127.0.0.1:{self._pop3_port()}", "--tls", "none", "--poll-seconds", "1"]
        login: list[str | Path] = ["--user", address, "--password-file", self.passwords]
        self.mailweave("mailbox", "add", address, *server, *login, *options)

    def pop3_count(self, address: str) -> int:
        """Return how many mails a POP3 client finds."""
        client = poplib.POP3("127.0.0.1", self._pop3_port())
        client.user(address)
        client.pass_(PASSWORD)
        found, _ = client.stat()
        client.quit()
        return found

    def _pop3_port(self) -> int:
        state = State.read(self.home)
        assert state is not None
        return state.ports["pop3"]

    def append(self, address: str, *mails: bytes, folder: str = "INBOX") -> None:
        """Put mails into a folder, over IMAP as any client does."""
        host, _, port = self.environ["MAILWEAVE_IMAP"].rpartition(":")
        client = imaplib.IMAP4(host, int(port))
        with closing(client.socket()):
            client.login(address, PASSWORD)
            if folder != "INBOX":
                client.create(folder)
            for mail in mails:
                answer, data = client.append(folder, "", imaplib.Time2Internaldate(time.time()), mail)
                assert answer == "OK", data
            client.logout()

    def wait(self, seconds: int = 120) -> None:
        """Return when everything that is in the mailboxes has been decided."""
        self.mailweave("wait", "--timeout", str(seconds))


def _environ(home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAILWEAVE_")}
    return {**inherited, **variables, "MAILWEAVE_HOME": str(home)}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Real servers without services."""
    home = tmp_path_factory.mktemp("stack") / "home"
    started = local.up(home, environ={"PATH": os.environ["PATH"]})
    try:
        running = RunningStack(home, _environ(home, started.variables))
        prepare(running.config)
        yield running
    finally:
        local.down(home)


@pytest.fixture(scope="session")
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
    running = Pipeline(home, _environ(home, pushed), passwords)
    try:
        running.mailweave("up", "--replicas", "correlator=2", "--replicas", "resolver=2")
        yield Pipeline(home, _environ(home, {**_stack_env(home), **pushed}), passwords)
    finally:
        running.mailweave("down", check=False)
        local.down(home)


def _stack_env(home: Path) -> dict[str, str]:
    lines = (home / "stack.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
