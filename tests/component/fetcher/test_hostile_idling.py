"""Servers that fail, lie, stall or flood while a mailbox idles: the connection is given up, and polling goes on."""

import os
import socket
import struct
import threading
import time

import pytest

from tests.component.fetcher.checking import MAILS, everything_arrived_once
from tests.component.fetcher.idle_running import Running, until
from tests.component.fetcher.idle_server import IdleServer, good

pytestmark = pytest.mark.component


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr("services.fetcher.idle_wires.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("services.fetcher.idling.SPREAD_SECONDS", 0.1)


@pytest.fixture
def serve():
    servers: list[IdleServer] = []

    def make(*args, **hooks):
        servers.append(IdleServer(*args, **hooks))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def never(_sock, _tag):
    return b""


def refused(_sock, tag):
    return f"{tag} BAD no idling here\r\n".encode()


def over_at_once(_sock, tag):
    return f"+ idling\r\n{tag} OK done\r\n".encode()


def bye(_sock, _tag):
    return b"+ idling\r\n* BYE shutting down\r\n"


def closed(_sock, _tag):
    return None


def reset(sock, _tag):
    sock.sendall(b"+ idling\r\n")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(sock.detach())
    raise ConnectionResetError


def garbage(_sock, _tag):
    return b"+ idling\r\n\x00\xff\x16\x03 this is not imap\r\n"


def endless_line(sock, _tag):
    sock.sendall(b"+ idling\r\n* OK ")
    while True:
        sock.sendall(b"x" * 65536)


def flood(sock, _tag):
    sock.sendall(b"+ idling\r\n")
    while True:
        sock.sendall(b"* OK still here\r\n" * 1000)


def one_byte_at_a_time(sock, _tag):
    for byte in b"+ idling and much more of it\r\n":
        sock.sendall(bytes([byte]))
        time.sleep(0.1)
    return b""


BAD = [
    pytest.param(never, id="no continuation"),
    pytest.param(refused, id="refused"),
    pytest.param(over_at_once, id="over at once"),
    pytest.param(bye, id="BYE"),
    pytest.param(closed, id="closed"),
    pytest.param(reset, id="reset"),
    pytest.param(garbage, id="garbage"),
    pytest.param(endless_line, id="endless line"),
    pytest.param(flood, id="flood"),
    pytest.param(one_byte_at_a_time, id="one byte at a time"),
]


@pytest.mark.parametrize("how", BAD)
def test_the_connection_is_given_up_and_polling_goes_on(outside, redis, serve, how):
    server = serve({1: MAILS[1]}, idling=how)
    with Running(outside, redis, server, pollSeconds=1).running() as running:
        assert server.idles()
        until(lambda: not running.dispatcher._idling._entries)
        server.mails[2], server.uidnext = MAILS[2], 3
        until(lambda: [1, 2] == outside.uids())

    assert {""} == {ended.code for ended in running.ended}
    assert 1 == server.times("IDLE"), "it is tried again only after a rest"
    everything_arrived_once(outside, server.mails)


def test_a_server_that_does_not_answer_to_done_is_left_and_the_mail_is_read(outside, redis, serve, monkeypatch):
    server = serve({1: MAILS[1]})
    with Running(outside, redis, server, pollSeconds=1).running():
        assert server.idles()
        monkeypatch.setattr(server, "answer", lambda tag, line: (
            b"" if tag.upper() == "DONE" else type(server).answer(server, tag, line)
        ))  # fmt: skip
        server.appears(2, MAILS[2])
        until(lambda: [1, 2] == outside.uids())
    everything_arrived_once(outside, server.mails)


def test_a_server_that_only_makes_noise_wakes_less_and_less(outside, redis, serve):
    """Each time it tells of other mails than before, and there are none."""

    def noise(sock, _tag):
        sock.sendall(b"+ idling\r\n")
        for n in range(100):
            sock.sendall(b"* %d EXISTS\r\n" % (n + 10))
        return b""

    server = serve({1: MAILS[1]}, idling=noise)
    with Running(outside, redis, server).running() as running:
        time.sleep(5)

    assert 3 <= len(running.ended) <= 7


def test_what_the_server_repeats_wakes_nobody(outside, redis, serve):
    def chatty(sock, tag):
        return good(sock, tag) + b"* OK Still here\r\n* 1 EXISTS\r\n* 0 RECENT\r\n* 1 FETCH (FLAGS (\\Seen))\r\n" * 9

    server = serve({1: MAILS[1]}, idling=chatty)
    with Running(outside, redis, server).running() as running:
        assert server.idles()
        time.sleep(1)
        assert 1 == len(running.ended)
        server.appears(2, MAILS[2])
        until(lambda: [1, 2] == outside.uids())


def test_a_server_without_idle_is_polled(outside, redis, serve):
    server = serve({1: MAILS[1]}, CAPABILITY=lambda _s, tag, _l: f"* CAPABILITY IMAP4rev1\r\n{tag} OK x\r\n".encode())
    with Running(outside, redis, server, pollSeconds=1).running() as running:
        until(lambda: len(running.ended) >= 2)

    assert {""} == {ended.code for ended in running.ended}
    assert 0 == server.times("IDLE")


def test_a_server_that_lets_nobody_in_is_idled_on_less(outside, redis, serve):
    """What idles may be what it has too much of."""
    lock, inside, most = threading.Lock(), [0], 20

    def login(_sock, tag, _line):
        with lock:
            inside[0] += 1
            if inside[0] > most:
                return f"{tag} NO [LIMIT] Maximum number of connections exceeded\r\n".encode()
        return f"{tag} OK done\r\n".encode()

    server = serve({1: MAILS[1]}, LOGIN=login, AUTHENTICATE=login)
    names = [f"{n}-{outside.mailbox}" for n in range(most + 1)]
    with Running(outside, redis, server, mailboxes=names, maxConnections=100, pollSeconds=2).running() as running:
        until(lambda: "login_unavailable" in {ended.code for ended in running.ended})
        until(lambda: len(running.dispatcher._idling._entries) <= most - 8)
