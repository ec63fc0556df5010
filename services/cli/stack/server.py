"""What the stack knows of any server: how to get it, start it, ask it and stop it."""

import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from services.cli.stack.ports import HOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where one stack lives: its home, its ports, and the surroundings it finds programs in."""

    home: Path
    ports: Mapping[str, int]
    run: Path
    environ: Mapping[str, str]
    """For installing: Maven and apt see the caller's proxies and settings."""
    search_path: str

    def folder(self, name: str) -> Path:
        """The data of one server."""
        return self.home / name

    def log(self, name: str) -> Path:
        """The log of one server."""
        return self.home / "log" / f"{name}.log"

    def address(self, port: str) -> str:
        """``host:port`` of a port by its name."""
        return f"{HOST}:{self.ports[port]}"

    def server_environ(self) -> dict[str, str]:
        """What a server sees of the surroundings: nothing of the caller's secrets."""
        return {"PATH": self.search_path, "HOME": str(self.home), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


class Server(ABC):
    """One kind of server."""

    name: ClassVar[str]
    title: ClassVar[str]
    variable: ClassVar[str]
    """The environment variable that carries its address, given or ours."""
    ports: ClassVar[tuple[str, ...]]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    ready_seconds: ClassVar[float] = 60

    @abstractmethod
    def prepare(self, site: Site) -> Sequence[str]:
        """
        Make software, data folder and configuration ready and return the command that starts the server.

        Idempotent: data that exist are kept, and what an interrupted first time left is made again.
        """

    @abstractmethod
    def address(self, site: Site) -> str:
        """The address in the form the product takes it; it may hold a password."""

    @abstractmethod
    def ask(self, address: str, *, seconds: float) -> None:
        """Return when the server at the address does its work; raise ``NoAnswerError`` when not."""

    def ask_ours(self, site: Site) -> None:
        """The same of the server this stack started, which may need a last touch first."""
        self.ask(self.address(site), seconds=5)

    def working_folder(self, site: Site) -> Path | None:  # noqa: ARG002
        """Where stray children of the server work, when they cannot be known by their session."""
        return None

    def after_end(self, site: Site) -> None:  # noqa: B027
        """Remove what a killed server leaves outside its data folder."""
