"""The way to a token endpoint: secrets go out encrypted, to the place that was named, and never wait for long."""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from services.domain.errors import Refused
from services.fetcher import failures
from services.fetcher.trust import trust

SECONDS = 10.0  # the credential's row is locked meanwhile
LARGEST_ANSWER = 64 * 1024

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A token endpoint, taken apart."""

    encrypted: bool
    host: str
    port: int
    path: str


def endpoint(url: str) -> Endpoint:
    """Take a token endpoint apart; ``Refused`` when secrets should not, or cannot, be sent there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if not host or not url.isascii() or not url.isprintable() or " " in url or "@" in parts.netloc or parts.fragment:
        raise Refused("the token endpoint must be an address such as https://login.example.org/token")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOCAL):
        raise Refused("the token endpoint must begin with https://, for secrets are sent to it")
    encrypted = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(encrypted, host, port or (443 if encrypted else 80), path)


def post(place: Endpoint, form: Mapping[str, str], ca_file: Path | None) -> tuple[int, bytes]:
    """Send a form and return status and body; raises ``TokenEndpointFailed`` when there is no answer."""
    try:
        return _posted(place, urlencode(form), ca_file)
    except (OSError, http.client.HTTPException, UnicodeError) as error:  # the last: a host name that can be none
        raise failures.TokenEndpointFailed(f"{place.host} gives no access token: {_words(error)}") from None


def _words(error: OSError | http.client.HTTPException | UnicodeError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message}); name its authority in MAILWEAVE_CA_FILE"
        case TimeoutError():
            return "it did not answer in time"
        case socket.gaierror() | UnicodeError():
            return "no address is known for it"
        case OSError():
            return "it cannot be reached"
        case _:
            return "it does not speak HTTP as it should"


class _Timed(io.RawIOBase):
    """A socket's bytes until a moment: a time-out of the socket alone begins anew with each byte."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, until: float) -> None:
        self._raw, self._sock, self._until = raw, sock, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - as the base class has it
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("too slow")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *, until: float, **given: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(sock, **given)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, until))


def _posted(place: Endpoint, form: str, ca_file: Path | None) -> tuple[int, bytes]:
    """Return status and body. A redirect is an answer like any other: secrets go where they were meant to go."""
    if place.encrypted:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            place.host, place.port, timeout=SECONDS, context=trust(ca_file)
        )
    else:
        connection = http.client.HTTPConnection(place.host, place.port, timeout=SECONDS)
    try:
        # Several addresses may take a time-out each. Until here nothing secret was sent, so that nothing is lost.
        connection.connect()
        connection.response_class = partial(_Response, until=time.monotonic() + SECONDS)  # type: ignore[assignment]
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        connection.request("POST", place.path, form, headers)
        response = connection.getresponse()
        body = response.read(LARGEST_ANSWER + 1)
    finally:
        connection.close()
    if len(body) > LARGEST_ANSWER:
        raise http.client.HTTPException("the answer is too long")
    return response.status, body
