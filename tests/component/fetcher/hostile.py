"""A small IMAP server that behaves until it is told not to: one folder, a few mails, a hook per command."""

import os
import re
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

Hook = Callable[[socket.socket, str, str], bytes | None]
"""Gets the socket, the tag and the line; returns what to send, or None to close the connection."""

LISTED = '* {n} FETCH (UID {uid} INTERNALDATE "01-Jan-2024 10:00:00 +0000" RFC822.SIZE {size})\r\n'


class HostileServer:
    """
    ``mails`` by UID. ``hooks`` replace the answer to commands that begin with their name.

    A hook named "greeting" replaces the first line. ``said`` collects what clients sent. With ``tls`` it offers
    STARTTLS, or speaks TLS at once when ``implicit``. A connection is reset after ``resets_after`` bytes.
    """

    def __init__(self, mails: Mapping[int, bytes] = {}, **hooks: Hook) -> None:
        self.mails = dict(mails)
        self.hooks = {name.replace("_", " "): hook for name, hook in hooks.items()}
        self.uidvalidity = 7
        self.uidnext = max(self.mails, default=0) + 1
        self.said: list[str] = []
        self.tls: ssl.SSLContext | None = None
        self.implicit = False
        self.resets_after: int | None = None
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
        if self.tls is not None and self.implicit:
            sock = self.tls.wrap_socket(sock, server_side=True)
            lines = sock.makefile("rb")
        greeting = self.hooks.get("greeting")
        first = greeting(sock, "", "") if greeting else b"* OK ready\r\n"
        if first is None:
            return
        left = self._send(sock, first, self.resets_after)
        while raw := lines.readline():
            tag, _, line = raw.decode("latin-1").strip().partition(" ")
            self.said.append(line)
            hook = next((h for name, h in self.hooks.items() if line.upper().startswith(name.upper())), None)
            answer = hook(sock, tag, line) if hook else self.answer(tag, line)
            if answer is None:
                return
            left = self._send(sock, answer, left)
            if line.upper() == "STARTTLS" and not hook and self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
                lines = sock.makefile("rb")

    @staticmethod
    def _send(sock, answer: bytes, left: int | None) -> int | None:
        """Send what may still be sent and return how much that is then; reset the connection when it is less."""
        if left is None or len(answer) < left:
            sock.sendall(answer)
            return None if left is None else left - len(answer)
        sock.sendall(answer[:left])
        # Closing without lingering sends RST instead of FIN.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(sock.detach())
        raise ConnectionResetError

    def answer(self, tag: str, line: str) -> bytes:
        """Answer as a good server would."""
        done = f"{tag} OK done\r\n".encode()
        verb = line.upper()
        if verb.startswith("CAPABILITY"):
            more = b" STARTTLS" if self.tls is not None and not self.implicit else b""
            return b"* CAPABILITY IMAP4rev1 AUTH=PLAIN" + more + b"\r\n" + done
        if verb.startswith("LIST"):
            return b'* LIST () "/" INBOX\r\n' + done
        if verb.startswith("EXAMINE"):
            state = f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.uidvalidity}] v\r\n"
            return state.encode() + f"* OK [UIDNEXT {self.uidnext}] n\r\n{tag} OK [READ-ONLY] done\r\n".encode()
        if verb.startswith("UID SEARCH"):
            wanted = {int(u) for u in re.findall(r"\d+", line)}
            return ("* SEARCH " + " ".join(str(u) for u in sorted(wanted & self.mails.keys())) + "\r\n").encode() + done
        if verb.startswith("UID FETCH"):
            return self._fetch(line.split()[2], line) + done
        return done

    def _fetch(self, uids: str, line: str) -> bytes:
        out = b""
        for n, (uid, content) in enumerate(sorted(self.mails.items()), 1):
            ranges = (piece.partition(":") for piece in uids.split(","))
            if not any(int(a) <= uid <= int(b or a) for a, _, b in ranges):
                continue
            if "RFC822.SIZE" in line:
                out += LISTED.format(n=n, uid=uid, size=len(content)).encode()
            else:
                out += b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (n, uid, len(content), content)
        return out
