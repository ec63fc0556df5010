"""
Requests to the endpoint, over one kept connection.

    EndpointError (Retry)
    ├── EndpointAway     not reached, out of order, or busy: the same again later
    └── EndpointRefuses  it says no, by a code; only a change helps, and that may come
"""

# ruff: noqa: N818 - each is named for what happened

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from services.domain.errors import Refused, Retry
from services.fetcher.endpoint import forms
from services.fetcher.trust import trust
from services.settings.declaring import Strict
from services.storage.sealing import Secret

ANSWER_SECONDS = 60.0
KEPT_SECONDS = 5.0  # well below the time after which the endpoint closes a silent connection
LARGEST_ANSWER = 16 * 1024 * 1024  # tens of thousands of folders
MOST_WORDS = 300


class EndpointError(Retry):
    """The endpoint has not done what was asked; ``again`` is in how many seconds it may be asked again."""

    code = "endpoint"
    again = 0.0


class EndpointAway(EndpointError):
    """Nothing is wrong with the request: it may be made again."""

    def __init__(self, text: str, again: float = 0.0) -> None:
        super().__init__(text)
        self.again = again


class EndpointRefuses(EndpointError):
    """The endpoint refuses the request, under a code of ``endpoint/refusals.py``."""

    def __init__(self, text: str, code: str, again: float) -> None:
        super().__init__(text)
        self.code = code
        self.again = again


class Client:
    """For one thread. ``token`` is asked for each request, so that a new one needs no restart."""

    def __init__(self, url: str, token: Callable[[], Secret], ca_file: Path | None) -> None:
        self._url = urlsplit(url)
        self._token = token
        self._ca_file = ca_file
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    def introduce(self) -> dict[str, Any]:
        """Return what the endpoint says of this router."""
        return self._request("GET", f"/v{forms.VERSION}/router", None, {})

    def ask(self, mailbox: str, step: str, form: Strict) -> dict[str, Any]:
        """Have something done or answered about a mailbox."""
        body = form.model_dump_json().encode()
        return self._request("POST", _path(mailbox, step), body, {"Content-Type": "application/json"})

    def upload(self, mailbox: str, pieces: Iterable[bytes], length: int) -> dict[str, Any]:
        """Hand mails in; ``pieces`` have this length together. On return they are durable."""
        return self._request("POST", _path(mailbox, "mails"), pieces, {"Content-Length": str(length)})

    def close(self) -> None:
        """Close the connection; the next request makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.close()

    def _request(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        token = self._token().reveal().decode()
        if not token.isascii() or not token.isprintable() or " " in token:
            raise Refused("the token file holds something else than a token of mailweave router token create")
        try:
            status, again, content = self._exchange(method, path, body, {**headers, "Authorization": f"Bearer {token}"})
        except ssl.SSLCertVerificationError as error:
            raise EndpointAway(f"the endpoint's certificate is not trusted: {error.verify_message}") from None
        except (OSError, http.client.HTTPException) as error:
            what = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise EndpointAway(f"the endpoint is not reached: {what}") from None
        return _understood(status, again, content)

    def _exchange(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None, headers: dict[str, str]
    ) -> tuple[int, float, bytes]:
        if time.monotonic() - self._used > KEPT_SECONDS:
            self.close()
        try:
            if self._connection is None:
                self._connection = self._connected()
            connection = self._connection
            with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it had read all
                connection.request(method, self._url.path + path, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read(LARGEST_ANSWER)
            if answer.will_close or not answer.isclosed():
                self.close()
        except BaseException:
            self.close()
            raise
        self._used = time.monotonic()
        return answer.status, _seconds(answer.getheader("Retry-After")), content

    def _connected(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
        return http.client.HTTPSConnection(host, port, timeout=ANSWER_SECONDS, context=trust(self._ca_file))


def _path(mailbox: str, step: str) -> str:
    return f"/v{forms.VERSION}/mailboxes/{quote(mailbox, safe='')}/{step}"


def _seconds(text: str | None) -> float:
    return min(float(text), 3600.0) if text is not None and text.isascii() and text.isdecimal() else 0.0


def _understood(status: int, again: float, content: bytes) -> dict[str, Any]:
    """Return the answer; what is no answer of an endpoint comes from something in between."""
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise EndpointAway(f"the endpoint's address answers {status} and not as an endpoint does")
    if status == HTTPStatus.OK:
        return answer
    words, code = str(answer.get("message", ""))[:MOST_WORDS], str(answer.get("code", "endpoint"))
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise EndpointAway(f"the endpoint is busy or out of order: {words}", again)
    raise EndpointRefuses(f"the endpoint refuses it ({code}): {words}", code, again)
