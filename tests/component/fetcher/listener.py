"""A listener for tests, and a client that speaks to it byte by byte."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from services.fetcher.listening import Listener
from services.fetcher.polling import Ports
from services.runtime.listen import Address, Listen
from services.settings.snapshot import EMPTY, Snapshot, apply

HOST = "127.0.0.1"
ANY = {"lmtp": Address(HOST, 0), "smtp": Address(HOST, 0)}
SERVER = {"host": "imap.example.org", "port": 993}


def settings(*, megabytes: int = 25, **mailboxes: bool) -> Snapshot:
    """Settings with these mailboxes, by address, enabled or not."""
    made = apply(EMPTY, "server-profile/s", 1, SERVER)
    made = apply(made, "organization", 2, {"message.maxMb": megabytes})
    for address, enabled in mailboxes.items():
        mailbox = {"address": address, "serverProfile": "s", "user": "u", "credential": "c", "enabled": enabled}
        made = apply(made, f"mailbox/{address}", 3, mailbox)
    return made


@dataclass
class Running:
    """A listener that runs; ``produced`` are the numbers of new deliveries it told of."""

    ports: Mapping[str, int]
    stopping: threading.Event
    thread: threading.Thread
    produced: list[int] = field(default_factory=list)

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


@contextmanager
def listening(ports: Ports, snapshot: Snapshot, **options: Any) -> Iterator[Running]:
    produced: list[int] = []
    listener = Listener(Listen(addresses=ANY, **options), lambda: snapshot, lambda: ports, produced.append)
    stopping = threading.Event()
    thread = threading.Thread(target=listener.run, args=(stopping,), daemon=True)
    running = Running(listener.ports, stopping, thread, produced)
    thread.start()
    try:
        yield running
    finally:
        running.stop()


class Wire:
    """A connection on which anything can be said."""

    def __init__(self, port: int, host: str = HOST) -> None:
        self.socket = socket.create_connection((host, port), timeout=20)
        self._file = self.socket.makefile("rb")

    def say(self, *lines: bytes) -> None:
        self.socket.sendall(b"".join(lines))

    def reply(self) -> str:
        """The last line of the next reply; empty when the connection has ended."""
        while (line := self._file.readline()) and line[3:4] == b"-":
            pass
        return line.decode().rstrip()

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@contextmanager
def wire(port: int, greeting: bytes = b"EHLO client.example\r\n") -> Iterator[Wire]:
    """A connection after its greeting."""
    with closing(Wire(port)) as made:
        assert made.reply().startswith("220 ")
        made.say(greeting)
        assert made.reply().startswith("250 ")
        yield made


def ask_for_data(client: Wire, mailbox: str) -> None:
    """Say all that comes before a mail, in one go."""
    client.say(b"MAIL FROM:<a@else.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % mailbox.encode())
    assert ["250", "250", "354"] == [client.reply()[:3] for _ in range(3)]
