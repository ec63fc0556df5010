"""Servers that fail, lie or stall: a clear error, no crash, and no cursor past what was handed over."""

import socket
import time

import pytest

from services.fetcher import cursor, failures
from services.fetcher.imap import Server, session
from services.fetcher.polling import Progress, Task, poll
from tests.component.fetcher.conftest import server_at
from tests.component.fetcher.hostile import HostileServer

pytestmark = pytest.mark.component

MAILS = {n: b"Subject: %d\r\nFrom: a@example.org\r\n\r\nbody\r\n" % n for n in range(1, 251)}


def check(outside, server, *, seconds=1.0, folders=("INBOX",)):
    """One check of the mailbox as the service makes it."""
    fence, _ = cursor.claim(outside.ports.database, outside.mailbox)
    task = Task(mailbox=outside.mailbox, fence=fence, folders=folders, limit=10**8, go_on=lambda: True)
    progress = Progress()
    with session(server_at(server.port, seconds=seconds), "user", "pässword") as connection:
        poll(connection, task, outside.ports, progress)
    return progress


def nothing_is_skipped(outside):
    """Every UID up to the cursor has a delivery, and every delivery was sent."""
    at = outside.cursor()
    assert list(range(1, (at[1] if at else 0) + 1)) == outside.uids()
    assert {r["uid"] for r in outside.records()} >= set(outside.uids())


def fails_in_the_second_batch(how):
    """Answer bodies of UIDs over 100 in a bad way."""

    def hook(sock, tag, line):
        first = int(line.split()[2].split(",")[0].split(":")[0])
        return how(sock, tag, line) if "BODY" in line and first > 100 else SERVER[0].answer(tag, line)

    return hook


SERVER: list[HostileServer] = [None]  # type: ignore[list-item]  # each test puts its own in


def bye(_sock, _tag, _line):
    return b"* BYE shutting down\r\n"


def cut(_sock, _tag, _line):
    return None


def garbage(_sock, _tag, _line):
    return b"\x00\xff\x16\x03 this is not imap\r\n" * 3


def short_literal(sock, _tag, _line):
    sock.sendall(b"* 101 FETCH (UID 101 BODY[] {5000}\r\nonly a few bytes")


def huge_literal(_sock, _tag, _line):
    return b"* 101 FETCH (UID 101 BODY[] {99999999999}\r\n"


def wrong_tag(_sock, _tag, _line):
    return b"zzz9 OK done\r\n"


def stall(_sock, _tag, _line):
    time.sleep(5)


def drip(sock, _tag, _line):
    sock.sendall(b"* 101 FETCH (UID 101 BODY[] {5000}\r\n")
    for _ in range(50):
        time.sleep(0.1)
        sock.sendall(b"x")


def no_content(_sock, tag, _line):
    return f"{tag} NO internal error\r\n".encode()


def bad(_sock, tag, _line):
    return f"{tag} BAD what\r\n".encode()


@pytest.mark.parametrize(
    ("how", "error"),
    [
        pytest.param(bye, failures.ConnectionLost, id="BYE"),
        pytest.param(cut, failures.ConnectionLost, id="cut"),
        pytest.param(garbage, failures.ProtocolError, id="garbage"),
        pytest.param(wrong_tag, failures.MailServerError, id="wrong tag"),
        pytest.param(short_literal, failures.ConnectionLost, id="shorter literal"),
        pytest.param(huge_literal, failures.ProtocolError, id="literal of 100 GB"),
        pytest.param(stall, failures.TimedOut, id="stalled"),
        pytest.param(drip, failures.TimedOut, id="one byte at a time"),
        pytest.param(bad, failures.ProtocolError, id="BAD"),
    ],
)
def test_a_failure_in_mid_fetch(outside, hostile, how, error):
    SERVER[0] = hostile(MAILS, UID_FETCH=fails_in_the_second_batch(how))

    began = time.monotonic()
    with pytest.raises(error) as caught:
        check(outside, SERVER[0])

    assert 4 > time.monotonic() - began
    assert (7, 100, 251) == outside.cursor()
    nothing_is_skipped(outside)
    assert "pässword" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_mail_that_a_server_does_not_give_holds_the_cursor_and_names_it(outside, hostile):
    """The other folders would go on; the mail is asked for again at the next check."""
    SERVER[0] = hostile(MAILS, UID_FETCH=fails_in_the_second_batch(no_content))

    progress = check(outside, SERVER[0])

    assert 1 == progress.failed_folders
    assert (7, 100, 251) == outside.cursor()
    nothing_is_skipped(outside)
    query = "SELECT last_error FROM fetcher.cursor WHERE mailbox = %(mailbox)s"
    assert "does not give their content" in outside.rows(query)[0][0]

    del SERVER[0].hooks["UID FETCH"]
    check(outside, SERVER[0])

    assert (7, 250, 251) == outside.cursor()
    assert None is outside.rows(query)[0][0]
    nothing_is_skipped(outside)


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

    with pytest.raises(failures.TlsNotOffered), session(where, "user", "secret"):
        pass
    assert not any("LOGIN" in line or "AUTH" in line for line in server.said)


def test_nobody_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    with pytest.raises(failures.ConnectionRefused, match=f"127.0.0.1:{port}"), session(server_at(port), "u", "p"):
        pass
    with (
        pytest.raises(failures.HostUnknown, match="check the host"),
        session(Server(host="no.such.host.invalid", port=143, tls="none", seconds=1), "u", "p"),
    ):
        pass


def test_uidvalidity_change_reads_the_new_epoch_and_keeps_the_old_rows(outside, hostile):
    server = hostile({1: MAILS[1], 2: MAILS[2]})
    check(outside, server)
    server.uidvalidity = 8
    check(outside, server)

    assert [1, 2, 1, 2] == outside.uids()
    assert (8, 2, 3) == outside.cursor()
    assert 4 == len({r["delivery_id"] for r in outside.records()})


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
