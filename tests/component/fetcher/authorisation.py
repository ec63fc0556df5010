"""A local authorisation server: refresh tokens that rotate, access tokens that end, introspection (RFC 7662)."""

import json
import ssl
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs

CLIENT, CLIENT_SECRET, FIRST_REFRESH = "mailweave", "client-s3cret", "refresh-s3cret-0"


@dataclass(frozen=True)
class Issued:
    user: str
    expires: float


class AuthorisationServer:
    """
    One client, one user's consent. ``life`` is that of the next access token in seconds.

    Each refresh token is good once while ``rotates`` is set. ``answers`` replaces what the token endpoint says. With
    ``tls`` it speaks nothing else.
    """

    def __init__(self, user: str, tls: ssl.SSLContext | None = None) -> None:
        self.user = user
        self.life = 3600
        self.rotates = True
        self.delay = 0.0
        self.refresh: str | None = FIRST_REFRESH
        self.issued: dict[str, Issued] = {}
        self.asked: list[dict[str, str]] = []
        self.answers: bytes | None = None
        self._lock = threading.Lock()
        self._numbers = count(1)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                if self.path == "/token" and outer.answers is not None:
                    self.wfile.write(outer.answers)
                    self.close_connection = True
                    return
                status, said = outer.token(form) if self.path == "/token" else (200, outer.introspect(form["token"]))
                content = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            # The handshake is made by the thread that serves, not by the one that accepts.
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def token_endpoint(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/token"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def revoke(self) -> None:
        """Make every access token invalid before its time."""
        self.issued.clear()

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        with self._lock:
            self.asked.append(form)
            time.sleep(self.delay)
            if (form.get("client_id"), form.get("client_secret")) != (CLIENT, CLIENT_SECRET):
                return 401, {"error": "invalid_client"}
            if form.get("grant_type") != "refresh_token":
                return 400, {"error": "unsupported_grant_type"}
            if self.refresh is None or form.get("refresh_token") != self.refresh:
                return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
            number = next(self._numbers)
            access = f"access-s3cret-{number}"
            self.issued[access] = Issued(self.user, time.time() + self.life)
            said: dict[str, object] = {"access_token": access, "token_type": "Bearer", "expires_in": self.life}
            if self.rotates:
                self.refresh = said["refresh_token"] = f"refresh-s3cret-{number}"
            return 200, said

    def introspect(self, token: str) -> dict[str, object]:
        found = self.issued.get(token)
        if found is None or found.expires < time.time():
            return {"active": False}
        return {"active": True, "username": found.user, "exp": int(found.expires)}
