"""A server that offers IDLE and idles well, until a test has it say something else."""

import socket
import threading
from collections.abc import Callable

from tests.component.fetcher.hostile import HostileServer


class IdleServer(HostileServer):
    """
    ``idling`` is what happens once IDLE is asked for: it has the socket and the tag, and returns to wait for DONE.

    ``began`` is released at each IDLE.
    """

    def __init__(self, mails=None, *, idling: Callable[[socket.socket, str], bytes | None] | None = None, **hooks):
        super().__init__(mails or {}, **{"IDLE": self._idle, "CAPABILITY": self._capability, **hooks})
        self.idling = idling or good
        self.host, self.ca_file = "127.0.0.1", None
        self.began = threading.Semaphore(0)
        self._open: list[tuple[socket.socket, str]] = []

    def _capability(self, _sock, tag, _line):
        return f"* CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE\r\n{tag} OK done\r\n".encode()

    def _idle(self, sock, tag, _line):
        self.began.release()
        self._open.append((sock, tag))
        return self.idling(sock, tag)

    def answer(self, tag, line):
        if tag.upper() == "DONE":
            return f"{self._open[-1][1]} OK done\r\n".encode()
        return super().answer(tag, line)

    def appears(self, uid: int, content: bytes) -> None:
        """Have a mail, and tell whoever idled last."""
        self.mails[uid] = content
        self.uidnext = uid + 1
        self._open[-1][0].sendall(b"* %d EXISTS\r\n" % len(self.mails))

    def idles(self, seconds: float = 10) -> bool:
        """Wait for the next IDLE; false when none comes."""
        return self.began.acquire(timeout=seconds)

    def times(self, command: str) -> int:
        """Return how often clients have sent a command."""
        return sum(line.upper().startswith(command) for line in self.said)


def good(_sock, _tag):
    return b"+ idling\r\n"
