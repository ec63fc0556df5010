"""
Servers that fail, lie or stall in the middle of reading.

No crash, no cursor past what was handed over, the right alert; and when the server behaves again, every mail has
arrived exactly once, byte by byte, and the alert is over.
"""

import socket
import time

import pytest

from services.fetcher import failures, wire
from tests.component.fetcher.checking import (
    MAILS,
    check,
    end,
    everything_arrived_once,
    nothing_is_skipped,
    server_at,
    signals,
)
from tests.component.fetcher.hostile import HostileServer

pytestmark = pytest.mark.component

ENDLESS = 2_000_000


def fails_in_the_second_batch(server, how):
    """Answer bodies of UIDs over 100 in a bad way."""

    def hook(sock, tag, line):
        first = int(line.split()[2].split(",")[0].split(":")[0])
        return how(server, sock, tag, line) if "BODY" in line and first > 100 else server.answer(tag, line)

    server.hooks["UID FETCH"] = hook


def bye(_server, _sock, _tag, _line):
    return b"* BYE shutting down\r\n"


def bye_between(server, _sock, tag, line):
    """The server gives half of what was asked for and says goodbye."""
    answer = server.answer(tag, line)
    return answer[: answer.index(b"* 151 FETCH")] + b"* BYE shutting down\r\n"


def cut(_server, _sock, _tag, _line):
    return None


def garbage(_server, _sock, _tag, _line):
    return b"\x00\xff\x16\x03 this is not imap\r\n" * 3


def garbage_between(server, _sock, tag, line):
    return server.answer(tag, line).replace(b"* 151 FETCH", b"\x00\xff\x16\x03 this is not imap\r\n* 151 FETCH")


def short_literal(_server, sock, _tag, _line):
    sock.sendall(b"* 101 FETCH (UID 101 BODY[] {5000}\r\nonly a few bytes")


def huge_literal(_server, _sock, _tag, _line):
    return b"* 101 FETCH (UID 101 BODY[] {99999999999}\r\n"


def negative_literal(_server, _sock, tag, _line):
    return f"* 101 FETCH (UID 101 BODY[] {{-5}}\r\nbody)\r\n{tag} OK done\r\n".encode()


def off_by(bytes_more, of=151):
    """Announce another length than that of the mail; what follows is sent as if nothing had happened."""

    def how(server, _sock, tag, line):
        size = len(server.mails[of])
        right, wrong = (b"UID %d BODY[] {%d}" % (of, n) for n in (size, size + bytes_more))
        return server.answer(tag, line).replace(right, wrong)

    return how


def endless_line(_server, sock, _tag, _line):
    sock.sendall(b"* 101 FETCH (UID 101 X " + b"x" * ENDLESS)


def endless_answer(_server, sock, _tag, _line):
    while True:
        sock.sendall(b"* OK still here, and more of it to come\r\n" * 1000)


def wrong_tag(_server, _sock, _tag, _line):
    return b"zzz9 OK done\r\n"


def stall(_server, _sock, _tag, _line):
    time.sleep(5)


def drip(_server, sock, _tag, _line):
    sock.sendall(b"* 101 FETCH (UID 101 BODY[] {5000}\r\n")
    for _ in range(50):
        time.sleep(0.1)
        sock.sendall(b"x")


def no_content(_server, _sock, tag, _line):
    return f"{tag} NO internal error\r\n".encode()


def bad(_server, _sock, tag, _line):
    return f"{tag} BAD what\r\n".encode()


@pytest.mark.parametrize(
    ("how", "code"),
    [
        pytest.param(bye, "connection_lost", id="BYE"),
        pytest.param(bye_between, "connection_lost", id="BYE between answers"),
        pytest.param(cut, "connection_lost", id="cut"),
        pytest.param(garbage, "protocol_error", id="garbage"),
        pytest.param(garbage_between, "protocol_error", id="garbage between answers"),
        pytest.param(wrong_tag, "protocol_error", id="wrong tag"),
        pytest.param(short_literal, "connection_lost", id="shorter literal, then cut"),
        pytest.param(huge_literal, "protocol_error", id="literal of 100 GB"),
        pytest.param(negative_literal, "protocol_error", id="negative literal"),
        pytest.param(off_by(-1), "protocol_error", id="one byte longer than announced"),
        pytest.param(off_by(-20), "protocol_error", id="longer than announced"),
        pytest.param(off_by(1), "protocol_error", id="one byte shorter than announced"),
        pytest.param(off_by(3), "protocol_error", id="shorter than announced, by the end of its answer"),
        pytest.param(off_by(7), "protocol_error", id="shorter than announced, by some of the next"),
        pytest.param(off_by(5000, of=200), "timed_out", id="last one shorter than announced"),
        pytest.param(endless_line, "protocol_error", id="endless line"),
        pytest.param(endless_answer, "protocol_error", id="endless answer"),
        pytest.param(stall, "timed_out", id="stalled"),
        pytest.param(drip, "timed_out", id="one byte at a time"),
        pytest.param(bad, "protocol_error", id="BAD"),
    ],
)
def test_a_failure_in_mid_fetch(*, outside, hostile, monkeypatch, caplog, how, code):
    monkeypatch.setattr(wire, "LARGEST_ANSWER", ENDLESS)
    server = hostile(MAILS)
    fails_in_the_second_batch(server, how)

    assert code == end(outside, server_at(server.port))
    assert (7, 100, 251) == outside.cursor()
    nothing_is_skipped(outside)
    assert [(code, "raised")] == signals(outside)

    del server.hooks["UID FETCH"]
    assert "" == end(outside, server_at(server.port))
    everything_arrived_once(outside, MAILS)
    assert [(code, "raised"), (code, "cleared")] == signals(outside)
    assert "pässword" not in caplog.text
    assert "Traceback" not in caplog.text


def test_mails_without_a_last_line_break_are_not_stored_cut(outside, hostile):
    """Here what is left over hides before the closing parenthesis, and no line is left that would look strange."""
    mails = {n: mail.rstrip() for n, mail in MAILS.items() if n < 4}
    server = hostile(mails)
    server.hooks["UID FETCH"] = lambda sock, tag, line: off_by(-2, of=2)(server, sock, tag, line)

    assert "protocol_error" == end(outside, server_at(server.port))
    assert [] == outside.records()

    server.hooks.clear()
    assert "" == end(outside, server_at(server.port))
    everything_arrived_once(outside, mails)


def test_a_connection_reset_after_any_number_of_bytes_loses_and_doubles_nothing(outside, hostile):
    server = hostile(MAILS)
    ends, cursors = [], set()
    for size in (0, 1, 11, 60, 100, 250, 400, *range(1000, 60_000, 2500)):
        server.resets_after = size
        ends.append(end(outside, server_at(server.port)))
        nothing_is_skipped(outside)
        cursors.add(outside.cursor())
    lost = ends.count("connection_lost")

    assert ["connection_lost"] * lost + [""] * (len(ends) - lost) == ends
    assert {None, (7, 0, 251), (7, 100, 251), (7, 250, 251)} <= cursors
    said = signals(outside)
    # After ten in a row the mailbox is disabled, which is another alert in the place of the first.
    assert ["connection_lost", "retries_used_up"] == list(dict.fromkeys(code for code, _ in said))
    assert {"connection_lost": "cleared", "retries_used_up": "cleared"} == dict(said)
    everything_arrived_once(outside, MAILS)


def test_what_the_protocol_allows_between_answers_is_no_failure(outside, hostile):
    """RFC 9051 section 7: a server may say at any time what it likes to, and clients ignore what they do not know."""
    server = hostile(MAILS)
    notices = b"* 251 EXISTS\r\n* OK [ALERT] maintenance at 5\r\n* 3 FETCH (FLAGS (\\Seen))\r\n* X-NOTICE (a {b)\r\n"

    def fetch(_sock, tag, line):
        return server.answer(tag, line).replace(b"* 151 FETCH", notices + b"* 151 FETCH")

    server.hooks["UID FETCH"] = fetch

    assert "" == end(outside, server_at(server.port))
    everything_arrived_once(outside, MAILS)


def test_a_new_epoch_in_the_middle_of_reading_loses_nothing_and_repeats_nothing(outside, hostile):
    """The server breaks off, and comes back with its mails numbered anew: each is there once under its new number."""
    server = hostile(MAILS)
    fails_in_the_second_batch(server, bye)
    assert "connection_lost" == end(outside, server_at(server.port))

    server.hooks.clear()
    server.uidvalidity = 8
    assert "" == end(outside, server_at(server.port))

    assert [*range(1, 251)] == outside.uids()
    assert (8, 250, 251) == outside.cursor()
    assert 250 == len({r["delivery_id"] for r in outside.records()}) == len(outside.records())
    assert {f"{n}" for n in MAILS} == {r["subject"] for r in outside.records()}


def test_what_is_raised_names_no_secret(outside, hostile):
    server: HostileServer = hostile(MAILS)
    fails_in_the_second_batch(server, garbage)

    with pytest.raises(failures.ProtocolError) as caught:
        check(outside, server)
    assert "pässword" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_reads_nothing_is_given_up(outside):
    """It accepts the connection and stays silent, as a hung process behind a listening kernel does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "timed_out" == end(outside, server_at(silent.getsockname()[1]))
    assert [("timed_out", "raised")] == signals(outside)


def test_mail_that_a_server_does_not_give_holds_the_cursor_and_names_it(outside, hostile):
    """The other folders would go on; the mail is asked for again at the next check."""
    server = hostile(MAILS)
    fails_in_the_second_batch(server, no_content)

    progress = check(outside, server)

    assert ["body_missing"] == [code for code, _ in progress.left_out]
    assert (7, 100, 251) == outside.cursor()
    nothing_is_skipped(outside)
    query = "SELECT last_error FROM fetcher.cursor WHERE mailbox = %(mailbox)s"
    assert "does not give their content" in outside.rows(query)[0][0]

    del server.hooks["UID FETCH"]
    check(outside, server)

    assert (7, 250, 251) == outside.cursor()
    assert None is outside.rows(query)[0][0]
    nothing_is_skipped(outside)
