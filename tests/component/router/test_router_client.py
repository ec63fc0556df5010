"""A router among endpoints that are away, out of order, or no endpoints at all: it waits, and says why."""

import socket
import threading
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from services.domain.errors import Refused
from services.fetcher.endpoint import forms
from services.router.client import Client, EndpointAway, EndpointRefuses
from services.storage.sealing import Secret

pytestmark = pytest.mark.component

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def answering(*answers: bytes | None):
    """Listen, and answer one request of each connection; None closes without a word. Yields URL and what was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            for answer in answers:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(65536))
                    if answer is not None:
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
    thread.join(5)


def client(url, token="r.secret"):
    return Client(url, lambda: Secret(token.encode()), None)


def http(status, body, *headers):
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        http("200 OK", b"<html>log in first</html>"),
        http("200 OK", b"[]"),
        http("302 Found", b"", "Location: http://elsewhere.example/"),
        http("502 Bad Gateway", b"<html>"),
        http("500 Oops", b'{"code": "x"}'),
        http("429 Busy", b'{"code": "busy"}'),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_no_answer_is_asked_again_later(answer):
    with answering(answer) as (url, _), pytest.raises(EndpointAway):
        client(url).introduce()


def test_nobody_there_is_said_so():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(EndpointAway, match="not reached"):
        client(f"http://127.0.0.1:{port}").introduce()


def test_a_refusal_has_its_code_its_words_and_when_to_come_again():
    refusal = http("409 Conflict", b'{"code": "left_to_fetcher", "message": "later"}', "Retry-After: 30")
    with answering(refusal) as (url, _), pytest.raises(EndpointRefuses, match="later") as refused:
        client(url).introduce()
    assert ("left_to_fetcher", 30.0) == (refused.value.code, refused.value.again)

    with answering(http("503 Later", b'{"code": "stores"}', "Retry-After: tomorrow")) as (url, _):
        with pytest.raises(EndpointAway) as away:
            client(url).introduce()
        assert 0.0 == away.value.again


def test_an_answer_that_came_before_the_upload_was_read_is_heard():
    refusal = http("413 Too Large", b'{"code": "too_large", "message": "no"}')
    with answering(refusal) as (url, _), pytest.raises((EndpointRefuses, EndpointAway)):
        client(url).upload("a@x.org", (b"x" * 65536 for _ in range(100)), 65536 * 100)


@pytest.mark.parametrize("address", ["a/b@x.org", "a\r\nX-Evil: y@x.org", "../../x@x.org", "ü ?#@x.org"])
def test_an_address_is_one_part_of_the_path_and_nothing_else(address):
    with answering(OK) as (url, asked):
        client(url).ask(address, "claim", forms.Nothing())

    line, *headers = asked[0].split(b"\r\n\r\n")[0].split(b"\r\n")
    _method, path, _version = line.split(b" ")
    assert [b"", b"v2", b"mailboxes", quote(address, safe="").encode(), b"claim"] == path.split(b"/")
    assert not [header for header in headers if header.startswith(b"X-Evil")]


@pytest.mark.parametrize("token", ["a b", "a\r\nX: y", "ü", "a\tb"])
def test_a_token_that_would_be_more_than_a_token_is_not_sent(token):
    with answering(OK) as (url, asked), pytest.raises(Refused, match="token"):
        client(url, token).introduce()
    assert [] == asked


def test_a_connection_that_was_kept_for_too_long_is_made_anew(monkeypatch):
    with answering(OK, OK) as (url, asked):
        one = client(url)
        one.introduce()
        one._used -= 60
        one.introduce()

    assert 2 == len(asked)
