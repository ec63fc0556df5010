"""A small POP3 server that behaves until it is told not to: a few mails, a hook per command."""

import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

Hook = Callable[[socket.socket, str], bytes | None]
"""Gets the socket and the line; returns what to send, or None to close the connection."""


VERBS = frozenset({"USER", "PASS", "AUTH", "STLS", "UIDL", "LIST", "RETR", "TOP", "DELE", "QUIT"})


class HostilePop3:
    """``mails`` by unique id. ``hooks`` replace the answer to commands that begin with their name."""

    def __init__(self, mails: Mapping[str, bytes] = {}, **hooks: Hook) -> None:
        self.mails = dict(mails)
        self.hooks = hooks
        self.said: list[str] = []
        self.other: Hook | None = None
        """Answers lines that are no commands."""
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    outer._talk(self.request, self.rfile)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _talk(self, sock, lines) -> None:
        greeting = self.hooks.get("greeting")
        sock.sendall(greeting(sock, "") or b"" if greeting else b"+OK ready\r\n")
        going: list[str] = []
        for raw in lines:
            line = raw.decode("latin-1").strip()
            self.said.append(line)
            verb = line.partition(" ")[0].upper()
            hook = self.hooks.get(verb) or (None if verb in VERBS else self.other)
            answer = hook(sock, line) if hook else self.answer(line, going)
            if answer is None:
                return
            sock.sendall(answer)

    def answer(self, line: str, going: list[str]) -> bytes:
        """Answer as a good server would; what was deleted goes at QUIT."""
        verb, _, rest = line.partition(" ")
        listed = list(self.mails.items())
        match verb.upper():
            case "UIDL":
                return (
                    b"+OK\r\n" + b"".join(b"%d %s\r\n" % (n, u.encode()) for n, (u, _) in numbered(listed)) + b".\r\n"
                )
            case "LIST":
                return b"+OK\r\n" + b"".join(b"%d %d\r\n" % (n, len(m)) for n, (_, m) in numbered(listed)) + b".\r\n"
            case "RETR":
                return b"+OK\r\n" + stuffed(listed[int(rest) - 1][1]) + b".\r\n"
            case "TOP":
                return (
                    b"+OK\r\n" + stuffed(listed[int(rest.split()[0]) - 1][1].partition(b"\r\n\r\n")[0]) + b"\r\n.\r\n"
                )
            case "DELE":
                going.append(listed[int(rest) - 1][0])
            case "QUIT":
                for uid in going:
                    self.mails.pop(uid, None)
        return b"+OK\r\n"


def numbered(listed):
    return enumerate(listed, 1)


def stuffed(mail: bytes) -> bytes:
    """Stuff dots after CRLF only, as RFC 1939 has it: other line ends are nothing to a server."""
    whole = mail if mail.endswith(b"\r\n") else mail + b"\r\n"
    return b"\r\n".join(b"." + one if one.startswith(b".") else one for one in whole.split(b"\r\n"))
