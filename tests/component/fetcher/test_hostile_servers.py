"""Servers that fail, lie or stall: a clear error, no crash, and no cursor past what was handed over."""

import time

import pytest

from services.fetcher import failures
from tests.component.fetcher.checking import MAILS, check
from tests.component.fetcher.hostile import HostileServer

pytestmark = pytest.mark.component


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
