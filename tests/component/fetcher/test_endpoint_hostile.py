"""The endpoint among people who mean it harm: nothing is kept by half, nobody waits, nothing secret is told."""

import json
import logging
import socket
import ssl
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from services.cli.stack.certificate import make as make_certificate
from services.domain.errors import MailweaveError, Refused
from services.fetcher import cursor
from services.fetcher.endpoint import server as serving_module
from services.fetcher.endpoint import serving as requests
from services.fetcher.endpoint import uploads
from services.fetcher.endpoint.server import Server
from services.router.client import Client
from services.router.ledger import RemoteLedger
from services.runtime.listen import Address, Endpoint
from services.runtime.metrics import ROUTED_OUTCOMES
from services.storage.sealing import Secret
from tests.component.fetcher.certificates import authority, served
from tests.component.fetcher.routed import HOST, said, serving, settings, token_of
from tests.component.fetcher.test_ledgers import arrival, at

pytestmark = pytest.mark.component

MAIL = b"Message-ID: <1@else.example>\r\nFrom: a@else.example\r\n\r\nbody\r\n"


@pytest.fixture
def endpoint(outside):
    with serving(outside.ports, settings(outside.mailbox, megabytes=6)) as running:
        yield running


@pytest.fixture
def token(outside):
    return token_of(outside)


@pytest.fixture
def fence(outside):
    return cursor.claim(outside.ports.database, outside.mailbox).fence


def head(fence, *mails, to=True, **changes):
    position = {"folder_id": "INBOX", "folder": "INBOX", "uidvalidity": 7, "uid": len(mails), "uidnext": 9}
    forms = [
        {
            "folder_id": "INBOX", "folder": "INBOX", "folder_role": "inbox", "uidvalidity": 7, "uid": number,
            "uidl": None, "source": "imap", "internal_date": "2024-01-01T10:00:00Z", "size": len(mail),
            "length": len(mail), "sha256": sha256(mail).hexdigest(), "headers_only": False, **changes,
        }
        for number, mail in enumerate(mails, start=1)
    ]  # fmt: skip
    return json.dumps({"fence": fence, "to": position if to else None, "mails": forms}).encode()


def body(head, *mails):
    return len(head).to_bytes(4, "big") + head + b"".join(mails)


def asked(endpoint, mailbox, token, content, *, step="mails", length=None, lines=()):
    """The bytes of a request; ``length`` is a Content-Length that may lie."""
    said_length = len(content) if length is None else length
    return b"\r\n".join([
        f"POST /v2/mailboxes/{mailbox}/{step} HTTP/1.1".encode(), b"Host: x", f"Authorization: Bearer {token}".encode(),
        f"Content-Length: {said_length}".encode(), *lines, b"", content,
    ])  # fmt: skip


def told(port, *pieces, **how):
    """Status and code of the answer."""
    status, answer = said(port, *pieces, **how)
    return status, answer.get("code")


def nothing_is_kept(outside):
    assert ([], [], None) == (outside.uids(), outside.sent, outside.cursor())


def test_a_good_upload_is_answered_when_it_is_durable(outside, endpoint, token, fence):
    request = asked(endpoint, outside.mailbox, token, body(head(fence, MAIL), MAIL))

    assert (200, {"taken": 1, "known": 0}) == said(endpoint.port, request)
    assert (200, {"taken": 0, "known": 1}) == said(endpoint.port, request)
    assert ([1], 1) == (outside.uids(), len(outside.sent))


@pytest.mark.parametrize("token", ["", "nobody", "nobody.secret", ".", "a" * 4000, "' OR 1=1 --.x"])
def test_a_wrong_token_is_refused_before_the_body_is_read(outside, endpoint, token, fence):
    assert (401, "token_refused") == told(endpoint.port, asked(endpoint, outside.mailbox, token, b"", length=10**9))
    nothing_is_kept(outside)


def test_a_request_without_a_token_or_with_another_scheme_is_refused(outside, endpoint):
    for line in (b"X: y", b"Authorization: Basic YTpi", b"Authorization: Bearer"):
        request = b"GET /v2/router HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n"
        assert 401 == said(endpoint.port, request)[0]


def test_an_upload_that_is_cut_leaves_nothing(outside, endpoint, token, fence, caplog):
    large = MAIL + b"x" * (5 << 20)
    for content in (MAIL, large):
        whole = asked(endpoint, outside.mailbox, token, body(head(fence, content), content))
        for cut in (len(whole) - 1, len(whole) - len(content) // 2, len(whole) - len(content) - 5):
            said(endpoint.port, whole[:cut], close=True)
    nothing_is_kept(outside)
    time.sleep(0.3)
    assert [] == [path for path in outside.ports.blobs._root.rglob("*") if path.is_file()]
    assert [] == [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("lie", [-1, 1, 1000])
def test_a_content_length_that_lies_is_refused(outside, endpoint, token, fence, lie):
    content = body(head(fence, MAIL), MAIL)
    request = asked(endpoint, outside.mailbox, token, content, length=len(content) + lie)

    assert (400, "bad_request") == told(endpoint.port, request, b"y" * max(lie, 0))
    nothing_is_kept(outside)


def test_bytes_that_are_not_those_that_were_announced_are_refused(outside, endpoint, token, fence):
    other = MAIL.replace(b"body", b"BODY")
    assert (400, "damaged") == told(
        endpoint.port, asked(endpoint, outside.mailbox, token, body(head(fence, MAIL), other))
    )
    nothing_is_kept(outside)


def test_several_mails_of_one_place_are_no_upload(outside, endpoint, token, fence):
    other = MAIL.replace(b"body", b"BODY")
    for mails in ((MAIL, other), (MAIL, MAIL)):
        request = asked(endpoint, outside.mailbox, token, body(head(fence, *mails, uid=1), *mails))
        assert (400, "bad_request") == told(endpoint.port, request)
    nothing_is_kept(outside)


def test_what_is_too_large_is_refused_before_it_is_read(outside, endpoint, token, fence):
    cases = [
        body(head(fence, MAIL, length=(6 << 20) + 1)),
        body(head(fence, MAIL, length=3 << 20, headers_only=True)),
        body(head(fence, MAIL, MAIL, length=5 << 20)),
        (1 << 31).to_bytes(4, "big"),
    ]
    for case in cases:
        assert (413, "too_large") == told(endpoint.port, asked(endpoint, outside.mailbox, token, case, length=10**9))
    request = asked(endpoint, outside.mailbox, token, b"x" * (2 << 20), step="end")
    assert (413, "too_large") == told(endpoint.port, request)
    nothing_is_kept(outside)


def test_a_bomb_of_compressed_bytes_is_not_unpacked(outside, endpoint, token):
    request = asked(endpoint, outside.mailbox, token, b"\x1f\x8b" + b"\0" * 100, lines=[b"Content-Encoding: gzip"])

    assert (400, "bad_request") == told(endpoint.port, request)


def test_senders_that_do_not_go_on_are_given_up(outside, endpoint, token, fence, monkeypatch):
    monkeypatch.setattr(uploads, "GRACE_SECONDS", 0.5)
    content = body(head(fence, MAIL), MAIL)
    for sent in (content[:-1], content[:10], b""):
        request = asked(endpoint, outside.mailbox, token, sent, length=len(content))
        assert (408, "too_slow") == told(endpoint.port, request)
    nothing_is_kept(outside)


def test_connections_that_never_ask_are_closed_and_do_not_keep_others_out(outside, token, monkeypatch):
    """Slow loris: as many as can be, each with the beginning of a request."""
    monkeypatch.setattr(serving_module, "IDLE_SECONDS", 1.0)
    monkeypatch.setattr(serving_module, "CONNECTIONS", 8)
    with serving(outside.ports, settings(outside.mailbox)) as running:
        slow = [socket.create_connection((HOST, running.port), timeout=20) for _ in range(8)]
        for one in slow[:4]:
            one.sendall(b"POST /v2/mailboxes/x/end HTTP/1.1\r\nAuthoriz")
        with socket.create_connection((HOST, running.port), timeout=20) as extra:
            assert b"" == extra.recv(10)
        for one in slow:
            assert b"" == one.recv(10)
            one.close()
        assert "router" in running.client(token).introduce()


def test_more_uploads_than_can_be_taken_are_told_to_come_again(outside, token, fence, monkeypatch):
    monkeypatch.setattr(requests, "SLOT_SECONDS", 0.2)
    with serving(outside.ports, settings(outside.mailbox)) as running:
        request = asked(running, outside.mailbox, token, body(head(fence, MAIL), MAIL))
        waiting = [socket.create_connection((HOST, running.port), timeout=20) for _ in range(requests.SLOTS)]
        for one in waiting:
            one.sendall(request[:-1])
        time.sleep(0.5)
        assert (429, "busy") == told(running.port, request)
        for one in waiting:
            one.close()
        deadline = time.monotonic() + 20
        while said(running.port, request)[0] != 200:
            assert time.monotonic() < deadline


@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc%2fpasswd", "%2e%2e", "a%00b", "x%0d%0aX-Evil:%20y", "%ff%fe", "a" * 3000, "*", "%s"]
)
def test_names_that_are_no_mailbox_are_unknown(outside, endpoint, token, name):
    status, answer = said(endpoint.port, asked(endpoint, name, token, b"{}", step="claim"))

    assert (status, answer["code"]) in [(404, "mailbox_unknown"), (404, "not_found")]
    assert name not in json.dumps(answer)


def test_what_is_no_request_is_not_found(endpoint, token):
    for line in ("GET /", "GET /metrics", "PUT /v2/router", "POST /v2/mailboxes/x/drop"):
        request = f"{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"
        assert 404 == said(endpoint.port, request.encode())[0]


@pytest.mark.parametrize("line", ["GET /v1/router", "POST /v1/mailboxes/x/claim", "POST /v99/mailboxes/x/mails"])
def test_a_router_of_another_version_is_told_which_is_spoken_here(endpoint, token, line):
    """What it says may mean other things, so nothing of it is carried out."""
    request = f"{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"
    status, answer = said(endpoint.port, request.encode())

    assert (409, "other_version") == (status, answer["code"])
    assert "speaks version 2" in str(answer["message"])
    assert "update the older" in str(answer["message"])


def test_nobody_takes_the_place_of_another_mailboxes_mail(outside, endpoint, token, fence):
    """The id of a delivery is made here, of the mailbox that the router was let in to; one that comes is no field."""
    given = json.loads(head(fence, MAIL))
    given["mails"][0]["id"] = "6f1c1b5e-3f0e-5f0a-9a53-3d0c5a1f7e11"

    status, answer = said(
        endpoint.port, asked(endpoint, outside.mailbox, token, body(json.dumps(given).encode(), MAIL))
    )
    assert (400, "bad_request") == (status, answer["code"])
    nothing_is_kept(outside)


@pytest.mark.parametrize(
    "wrong",
    [
        {"folder": "a\0b"}, {"folder": "\ud800"}, {"uid": -1}, {"uid": None}, {"uidl": "x"}, {"source": "import"},
        {"folder_role": "x"}, {"internal_date": "yesterday"}, {"sha256": "A" * 64}, {"length": -1}, {"size": 1 << 60},
        {"folder_id": "x" * 1001}, {"uidvalidity": 1 << 40},
    ],
)  # fmt: skip
def test_fields_that_are_wrong_are_named_and_not_repeated(outside, endpoint, token, fence, wrong):
    content = body(head(fence, MAIL, **wrong), MAIL)
    status, answer = said(endpoint.port, asked(endpoint, outside.mailbox, token, content, length=len(content)))

    assert (400, "bad_request") == (status, answer["code"]), answer
    nothing_is_kept(outside)


def test_the_same_upload_many_times_at_once_is_one_delivery(outside, token, fence):
    with serving(outside.ports, settings(outside.mailbox)) as running:
        request = asked(running, outside.mailbox, token, body(head(fence, MAIL), MAIL))
        found = []
        threads = [threading.Thread(target=lambda: found.append(said(running.port, request)[0])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert [200] * 8 == found
    assert [1] == outside.uids()
    assert 1 == len({record["delivery_id"] for record in outside.records()})


def test_while_a_store_is_away_the_router_hears_that_and_nothing_has_moved(outside, endpoint, token, fence):
    def away(_rows):
        raise ValueError(f"Kafka said {token} and {MAIL!r}")

    request = asked(endpoint, outside.mailbox, token, body(head(fence, MAIL), MAIL))
    object.__setattr__(outside.ports, "send", away)
    assert (503, "stores") == told(endpoint.port, request)
    nothing_is_kept(outside)

    object.__setattr__(outside.ports, "send", outside.sent.extend)
    assert 200 == said(endpoint.port, request)[0]


def test_nothing_secret_is_in_the_log(outside, endpoint, token, fence, caplog):
    caplog.set_level(logging.DEBUG)
    secret = token.partition(".")[2]
    bad = f"GET /v2/router HTTP/1.1\r\nAuthorization: Bearer {token}\x00\x01\r\nBroken {secret}\r\n\r\n"
    said(endpoint.port, bad.encode())
    said(endpoint.port, asked(endpoint, outside.mailbox, token, body(head(fence, MAIL, folder="\0"), MAIL)))
    object.__setattr__(outside.ports, "send", lambda _: (_ for _ in ()).throw(ValueError(token)))
    assert 503 == said(endpoint.port, asked(endpoint, outside.mailbox, token, body(head(fence, MAIL), MAIL)))[0]

    text = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert secret not in text
    assert outside.mailbox not in caplog.text
    assert secret not in repr(Client("http://x", lambda: Secret(token.encode()), None).__dict__)


@given(st.binary(max_size=300))
@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_uploaded_is_answered(outside, endpoint, token, content):
    status, answer = said(endpoint.port, asked(endpoint, outside.mailbox, token, content))

    assert status in (400, 413)
    assert answer["code"] in ROUTED_OUTCOMES


def test_it_does_not_listen_unencrypted_but_on_loopback_when_told_to(outside, tmp_path):
    for config in (
        Endpoint(address=Address(HOST, 0)),
        Endpoint(address=Address("0.0.0.0", 0), plain=True),
        Endpoint(address=Address(HOST, 0), certificate=tmp_path / "none.pem"),
    ):
        with pytest.raises(Refused, match="MAILWEAVE_ENDPOINT_CERT"):
            Server(config, lambda: None, lambda: outside.ports)  # type: ignore[arg-type, return-value]


def test_over_tls_a_router_is_let_in_when_it_trusts_the_certificate_and_speaks_no_clear_text(outside, token, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make_certificate(certificate, key)
    config = Endpoint(address=Address(HOST, 0), certificate=certificate, key=key)
    with serving(outside.ports, settings(outside.mailbox), config) as running:
        url = f"https://{HOST}:{running.port}"
        secret = Secret(token.encode())
        assert "router" in Client(url, lambda: secret, certificate).introduce()
        with pytest.raises(MailweaveError, match="not trusted"):
            Client(url, lambda: secret, None).introduce()
        assert (0, {}) == said(running.port, b"GET /v2/router HTTP/1.1\r\nHost: x\r\n\r\n")
        old = ssl.create_default_context()
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, OSError)), socket.create_connection((HOST, running.port)) as plain:
            old.wrap_socket(plain)


def test_a_renewed_certificate_is_used_without_a_restart(outside, token, tmp_path, monkeypatch):
    monkeypatch.setattr(serving_module, "RENEW_SECONDS", 0.1)
    first, second = authority(tmp_path / "first.pem"), authority(tmp_path / "second.pem")
    served(first, tmp_path / "served.pem")
    config = Endpoint(address=Address(HOST, 0), certificate=tmp_path / "served.pem")
    with serving(outside.ports, settings(outside.mailbox), config) as running:
        clients = [
            Client(f"https://{HOST}:{running.port}", lambda: Secret(token.encode()), by.file) for by in (first, second)
        ]
        assert "router" in clients[0].introduce()
        (tmp_path / "served.pem").write_text("half a fi")
        time.sleep(0.5)
        clients[0].close()
        assert "router" in clients[0].introduce()

        served(second, tmp_path / "served.pem")
        deadline = time.monotonic() + 20
        while True:
            try:
                assert "router" in clients[1].introduce()
                break
            except MailweaveError:
                assert time.monotonic() < deadline


def test_an_upload_that_is_under_way_at_a_stop_gets_its_answer(outside, token, fence):
    began, go = threading.Event(), threading.Event()

    def slowly(rows):
        began.set()
        go.wait(10)
        outside.sent.extend(rows)

    ports = replace(outside.ports, send=slowly)
    with serving(ports, settings(outside.mailbox)) as running:
        client = running.client(token)
        ledger = RemoteLedger(client=client, blobs=ports.blobs, mailbox=outside.mailbox, fence=fence, limit=10**6)
        working = threading.Thread(target=lambda: ledger.hand_over([arrival(outside, 1)], to=at(1)))
        working.start()
        assert began.wait(10)
        running.stopping.set()
        threading.Timer(0.5, go.set).start()
        working.join(20)

    assert ([1], datetime(2024, 1, 1, 10, tzinfo=UTC)) == (outside.uids(), outside.records()[0]["internal_date"])
