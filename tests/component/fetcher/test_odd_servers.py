"""Servers that refuse, are absent, or whose folders change: clear errors, and what can be read is read."""

import socket

import pytest

from services.fetcher import failures
from services.fetcher.imap import Server, session
from services.fetcher.mechanisms import Password
from tests.component.fetcher.checking import MAILS, check, server_at

pytestmark = pytest.mark.component


def test_a_wrong_password(outside, hostile):
    server = hostile({}, AUTHENTICATE=lambda _s, tag, _l: f"{tag} NO pässword wrong\r\n".encode())

    with pytest.raises(failures.LoginRefused, match="refuses user name or password") as caught:
        check(outside, server)
    assert "pässword" not in repr(caught.value)
    assert caught.value.permanent


def test_an_unknown_folder_does_not_stop_the_others(outside, hostile):
    def examine(_sock, tag, line):
        return f"{tag} NO no such folder\r\n".encode() if "Gone" in line else server.answer(tag, line)

    server = hostile({1: MAILS[1]}, EXAMINE=examine)

    check(outside, server, folders=("Gone", "INBOX"))

    assert [1] == outside.uids()
    query = "SELECT last_error FROM fetcher.cursor WHERE mailbox = %(mailbox)s AND folder = 'Gone'"
    assert "no folder 'Gone'" in outside.rows(query)[0][0]


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        pytest.param(b"* BYE too many connections\r\n", failures.MailServerError, id="BYE"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", failures.ProtocolError, id="another protocol"),
        pytest.param(b"\r\n", failures.ProtocolError, id="empty line"),
        pytest.param(b"x" * 2_000_000, failures.MailServerError, id="endless line"),
        pytest.param(None, failures.ConnectionLost, id="closed at once"),
    ],
)
def test_a_greeting_that_is_none(outside, hostile, greeting, error):
    server = hostile({}, greeting=lambda *_: greeting)

    with pytest.raises(error):
        check(outside, server)
    assert outside.cursor() is None


@pytest.mark.parametrize(
    "answer",
    [
        "* 1 EXISTS\r\n{tag} OK done\r\n",
        "* OK [UIDVALIDITY 0] x\r\n* OK [UIDNEXT 5] x\r\n{tag} OK done\r\n",
        "* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 99999999999999999999] x\r\n{tag} OK done\r\n",
    ],
)
def test_a_folder_without_usable_numbers(outside, hostile, answer):
    server = hostile({}, EXAMINE=lambda _s, tag, _l: answer.format(tag=tag).encode())

    with pytest.raises(failures.ProtocolError):
        check(outside, server)
    assert outside.cursor() is None


def test_starttls_does_not_fall_back_to_clear_text(hostile):
    server = hostile({})
    where = Server(host="127.0.0.1", port=server.port, tls="starttls", seconds=1)

    with pytest.raises(failures.TlsNotOffered), session(where, "user", Password("secret")):
        pass
    assert not any("LOGIN" in line or "AUTH" in line for line in server.said)


def test_nobody_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    with (
        pytest.raises(failures.ConnectionRefused, match=f"127.0.0.1:{port}"),
        session(server_at(port), "u", Password("p")),
    ):
        pass
    with (
        pytest.raises(failures.HostUnknown, match="check the host"),
        session(Server(host="no.such.host.invalid", port=143, tls="none", seconds=1), "u", Password("p")),
    ):
        pass


def test_uidvalidity_change_moves_the_deliveries_to_their_new_places(outside, hostile):
    server = hostile({1: MAILS[1], 2: MAILS[2]})
    check(outside, server)
    server.uidvalidity = 8
    check(outside, server)

    assert [1, 2] == outside.uids()
    assert (8, 2, 3) == outside.cursor()
    assert 2 == len({r["delivery_id"] for r in outside.records()})


def test_a_mail_expunged_between_listing_and_reading_is_passed(outside, hostile):
    def fetch(_sock, tag, line):
        answer = server.answer(tag, line)
        server.mails.pop(2, None)
        return answer

    server = hostile({1: MAILS[1], 2: MAILS[2], 3: MAILS[3]}, UID_FETCH=fetch)

    check(outside, server)

    assert [1, 3] == outside.uids()
    assert (7, 3, 4) == outside.cursor()


def test_an_empty_folder_has_a_cursor_to_compare_with(outside, hostile):
    server = hostile({})
    server.uidnext = 41

    check(outside, server)

    assert (7, 40, 41) == outside.cursor()
