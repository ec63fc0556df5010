"""
The real servers for tests: a stack for component tests, and what runs on another for the end-to-end tests.

They are started when the first test asks for them and stopped, with everything they left, when the last is over.
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

import hypothesis
import pytest
from xdist.workermanage import NodeManager

from services.cli import stack as local
from services.cli.lifecycle_commands import prepare
from services.cli.stack.state import State
from services.runtime.config import Config, load
from tests import commands

CHECKOUT = Path(__file__).parents[1]
PASSWORD = "correct horse"
STOP_SECONDS = 120
LONGEST_FIRST = ("faults", "e2e", "component")

# Machines are shared: that an example took long says nothing about the code.
hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that processes side by side end together; its servers are stopped then."""
    places = {CHECKOUT / "tests" / name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: min(places.get(one, len(places)) for one in item.path.parents))


def pytest_xdist_setupnodes() -> None:
    """Give processes that are interrupted the time that their servers take to stop; xdist gives ten seconds."""
    NodeManager.EXIT_TIMEOUT = STOP_SECONDS


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

    def tested(self, address: str, *, check: bool = True) -> CompletedProcess[str]:
        """Have a mailbox tested; return what the command says of it, however long a busy machine takes."""
        return self.mailweave("mailbox", "test", address, "--wait", "--timeout", "240", check=check)

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


def environ_of(home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAILWEAVE_")}
    return {**inherited, **variables, "MAILWEAVE_HOME": str(home)}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Real servers without services."""
    home = tmp_path_factory.mktemp("stack") / "home"
    started = local.up(home, environ={"PATH": os.environ["PATH"]})
    try:
        running = RunningStack(home, environ_of(home, started.variables))
        prepare(running.config)
        yield running
    finally:
        local.down(home)
