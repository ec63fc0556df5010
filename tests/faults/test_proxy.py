"""What the proxy does to a connection to a server that sends back what it gets."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from services.cli.stack.ports import settle
from tests.faults.proxy import CALM, Network, Proxy, Trouble


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            while data := self.request.recv(4096):
                self.request.sendall(data)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    network = Network()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield network.proxy(settle(["proxy"], {})["proxy"], server.server_address[1])
        finally:
            network.close()
            server.shutdown()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def said(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    back = b""
    while len(back) < len(data) and (more := client.recv(4096)):
        back += more
    return back


def test_without_trouble_everything_goes_through(proxy):
    with connect(proxy) as client:
        assert b"x" * 300_000 == said(client, b"x" * 300_000)


def test_the_end_goes_through_too(proxy):
    with connect(proxy) as client:
        said(client, b"last words")
        client.shutdown(socket.SHUT_WR)

        assert b"" == client.recv(1)


def test_a_connection_is_reset_after_some_bytes(proxy):
    with connect(proxy) as client:
        said(client, b"a" * 500)
        proxy.trouble = Trouble(reset_after=1000)
        assert b"b" * 400 == said(client, b"b" * 400)
        with pytest.raises(ConnectionResetError):
            said(client, b"c" * 4000)


def test_a_stalled_connection_goes_on_afterwards(proxy):
    with connect(proxy) as client:
        proxy.trouble = Trouble(stalled=True)
        client.sendall(b"patience")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(5)
        proxy.trouble = CALM

        assert b"patience" == client.recv(100)


def test_answers_end_while_questions_go_on(proxy):
    with connect(proxy) as client:
        proxy.trouble = Trouble(answers_end_after=10)
        client.sendall(b"more than ten bytes")

        assert b"" == client.recv(100)
        client.sendall(b"still taken")


@pytest.mark.parametrize("trouble", [Trouble(latency=0.2), Trouble(bytes_per_second=5000)], ids=["latency", "narrow"])
def test_slowness_delays_and_changes_nothing(proxy, trouble):
    proxy.trouble = trouble
    with connect(proxy) as client:
        began = time.monotonic()

        assert b"slow" * 250 == said(client, b"slow" * 250)
        assert time.monotonic() - began >= 0.2


def test_a_server_that_is_away_resets():
    network = Network()
    try:
        ports = settle(["proxy", "nobody"], {})
        proxy = network.proxy(ports["proxy"], ports["nobody"])
        with pytest.raises(ConnectionResetError), connect(proxy) as client:
            client.recv(1)
    finally:
        network.close()
