"""Mail that is read by POP3: from the real Dovecot, and from servers that do harm."""

import base64
import imaplib
import poplib
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.cli.stack.state import State
from services.domain.errors import Retry
from services.fetcher import cursor, failures, pop3, pop3_polling, pop3_wire
from services.fetcher.imap import Server
from services.fetcher.mechanisms import Password, Token
from services.fetcher.polling import Progress, Task
from tests.component.fetcher.hostile_pop3 import HostilePop3, stuffed

pytestmark = pytest.mark.component

SECRET = Password("secret")
MAIL = b"Message-ID: <%s@example.org>\r\nSubject: x\r\nFrom: a@example.org\r\n\r\n.a line\r\nbody\r\n"


@pytest.fixture
def dovecot_pop3(stack, dovecot):
    state = State.read(Path(stack.environ["MAILWEAVE_HOME"]))
    assert state is not None
    return Server(host=dovecot.host, port=state.ports["pop3"], tls="none", seconds=10)


@pytest.fixture
def append(dovecot, outside):
    def put(*mails: bytes) -> None:
        client = imaplib.IMAP4(dovecot.host, dovecot.port)
        with closing(client.socket()):
            client.login(outside.mailbox, "secret")
            for mail in mails:
                assert client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), mail)[0] == "OK"

    return put


@pytest.fixture
def server():
    made: list[HostilePop3] = []

    def make(*args, **hooks):
        made.append(HostilePop3(*args, **hooks))
        return made[-1]

    yield make
    for one in made:
        one.close()


def at(port: int, *, seconds: float = 1.0) -> Server:
    return Server(host="127.0.0.1", port=port, tls="none", seconds=seconds)


def check(outside, where, *, delete=False, limit=10**8, go_on=lambda: True, ports=None, start=None):
    fence = cursor.claim(outside.ports.database, outside.mailbox).fence
    task = Task(mailbox=outside.mailbox, fence=fence, folders=("INBOX",), limit=limit, go_on=go_on, start=start)
    progress = Progress()
    with pop3.session(where, outside.mailbox, SECRET) as connection:
        pop3_polling.poll(connection, task, ports or outside.ports, progress, delete=delete)
    return progress.mails


def subjects(outside) -> list[str]:
    return [record["message_id"].partition("@")[0] for record in outside.records()]


def on_server(where, user: str) -> int:
    client = poplib.POP3(where.host, where.port)
    client.user(user)
    client.pass_("secret")
    found = client.stat()[0]
    client.quit()
    return found


def test_each_mail_once_byte_for_byte_and_only_new_ones(outside, dovecot_pop3, append):
    append(*(MAIL % b"%d" % n for n in range(130)))

    assert 130 == check(outside, dovecot_pop3)
    append(MAIL % b"new")
    assert 1 == check(outside, dovecot_pop3)
    assert 0 == check(outside, dovecot_pop3)

    assert [*map(str, range(130)), "new"] == subjects(outside)
    first = outside.records()[0]
    assert ("pop3", "INBOX", "inbox", None, None) == tuple(
        first[name] for name in ("source", "folder", "folder_role", "uid", "uidvalidity")
    )
    assert MAIL % b"0" == outside.ports.blobs.path(first["blob_sha256"]).read_bytes()
    assert 131 == on_server(dovecot_pop3, outside.mailbox)
    assert 131 == outside.rows("SELECT count(*) FROM fetcher.delivery WHERE mailbox = %(mailbox)s")[0][0]


def test_what_is_stored_is_deleted_when_that_is_wished_and_a_crash_left_it_there(outside, dovecot_pop3, append):
    append(MAIL % b"1", MAIL % b"2")
    check(outside, dovecot_pop3)

    append(MAIL % b"3")
    check(outside, dovecot_pop3, delete=True)

    assert 0 == on_server(dovecot_pop3, outside.mailbox)
    assert ["1", "2", "3"] == subjects(outside)


def test_what_was_too_large_to_be_stored_stays_on_the_server(outside, dovecot_pop3, append):
    append(MAIL % b"small", MAIL % b"large" + b"x" * 70 + b"\r\n" * 5000)

    check(outside, dovecot_pop3, delete=True, limit=5000)

    assert 1 == on_server(dovecot_pop3, outside.mailbox)
    small, large = outside.records()
    assert ("too_large", "", "large@example.org") == (large["parse_outcome"], large["blob_sha256"], large["message_id"])
    assert "full" == small["parse_outcome"]


def test_nothing_is_deleted_when_the_hand_over_fails(outside, server):
    def away(_rows):
        raise Retry("Kafka is away")

    one = server({"a": MAIL % b"a"})
    with pytest.raises(Retry):
        check(outside, at(one.port), delete=True, ports=replace(outside.ports, send=away))

    assert ["a"] == list(one.mails)
    assert not [line for line in one.said if line.startswith("DELE")]
    assert 1 == check(outside, at(one.port), delete=True)
    assert {} == one.mails


def test_a_large_mail_is_copied_in_pieces_whatever_was_announced(outside, server):
    mail = MAIL % b"big" + b"\rlone\n" + b"l" * 200_000 + b"\r\n" + (b"." * 70 + b"\r\n") * 90_000
    one = server({"big": mail}, LIST=lambda *_: b"+OK\r\n1 10\r\n.\r\n")

    check(outside, at(one.port, seconds=10))

    (record,) = outside.records()
    assert len(mail) == record["size"]
    assert mail == outside.ports.blobs.path(record["blob_sha256"]).read_bytes()


def test_a_mail_that_grows_over_the_limit_leaves_its_header(outside, server):
    mail = MAIL % b"big" + (b"y" * 70 + b"\r\n") * 90_000
    one = server({"big": mail, "next": MAIL % b"next"}, LIST=lambda *_: b"+OK\r\n1 10\r\n2 10\r\n.\r\n")

    check(outside, at(one.port, seconds=10), limit=5_000_000)

    assert ["too_large", "full"] == [record["parse_outcome"] for record in outside.records()]


def test_mail_from_before_the_start_date_is_passed_over_by_its_own_date_and_stays(outside, server):
    dates = {"old": b"Date: 1 Jan 2024 00:00:00 +0000", "new": b"Date: 3 Jan 2024 00:00:00 +0000", "none": b"X: y"}
    one = server({uid: date + b"\r\n" + MAIL % uid.encode() for uid, date in dates.items()})

    assert 2 == check(outside, at(one.port), delete=True, start=datetime(2024, 1, 2, tzinfo=UTC))
    assert 0 == check(outside, at(one.port), delete=True)

    assert ["new", "none"] == subjects(outside)
    assert ["old"] == list(one.mails)


def test_identical_copies_under_one_unique_id_are_one_delivery(outside, server):
    def uidl(_sock, _line):
        return b"+OK\r\n1 same\r\n2 same\r\n3 other\r\n.\r\n"

    one = server({"x": MAIL % b"s", "y": MAIL % b"s", "z": MAIL % b"o"}, UIDL=uidl)

    assert 2 == check(outside, at(one.port))
    assert 0 == check(outside, at(one.port))


def test_it_stops_between_two_batches_and_goes_on_there(outside, server):
    one = server({str(n): MAIL % b"%d" % n for n in range(250)})
    asked = iter([True, False])

    assert 100 == check(outside, at(one.port), go_on=lambda: next(asked))
    assert 150 == check(outside, at(one.port))
    assert [str(n) for n in range(250)] == subjects(outside)


def test_a_replica_that_was_outrun_writes_nothing(outside, server):
    def retrieve(_sock, line):
        cursor.claim(outside.ports.database, outside.mailbox)
        return one.answer(line, [])

    one = server({"a": MAIL % b"a"}, RETR=retrieve)

    with pytest.raises(cursor.FenceLost):
        check(outside, at(one.port), delete=True)
    assert [] == outside.rows("SELECT id FROM fetcher.delivery WHERE mailbox = %(mailbox)s")
    assert ["a"] == list(one.mails)


def test_another_mail_under_an_id_that_was_given_before_is_read_before_it_is_deleted(outside, server):
    one = server({"1": MAIL % b"first"})
    check(outside, at(one.port), delete=True)
    one.mails["1"] = MAIL % b"second"

    check(outside, at(one.port), delete=True)
    check(outside, at(one.port), delete=True)

    assert ["first", "second"] == subjects(outside)
    assert {} == one.mails


def test_different_mails_under_one_id_in_one_listing_are_all_read_before_they_are_deleted(outside, server):
    one = server({"a": MAIL % b"a", "b": MAIL % b"b"}, UIDL=lambda *_: b"+OK\r\n1 same\r\n2 same\r\n.\r\n")

    check(outside, at(one.port), delete=True)
    assert ["b"] == list(one.mails)
    one.hooks = {"UIDL": lambda *_: b"+OK\r\n1 same\r\n.\r\n"}
    check(outside, at(one.port), delete=True)

    assert ["a", "b"] == subjects(outside)
    assert {} == one.mails


def test_a_dot_between_bare_line_feeds_ends_no_mail(outside, server):
    """Else its sender could have the rest taken for the answers to the next commands, and others' mail deleted."""
    trap = MAIL % b"trap" + b"text\n.\r\n+OK\r\nMessage-ID: <forged@x>\r\n\r\n\n.\r\nend\r\n"
    one = server({"1": trap, "2": MAIL % b"victim"})

    check(outside, at(one.port), delete=True)

    assert ["trap", "victim"] == subjects(outside)
    assert trap == outside.ports.blobs.path(outside.records()[0]["blob_sha256"]).read_bytes()


@pytest.mark.parametrize("verb", ["RETR", "TOP"])
def test_one_mail_that_the_server_refuses_does_not_stop_the_others(outside, server, verb):
    def refuse(_sock, line):
        return b"-ERR [SYS/PERM] broken\r\n" if line.split()[1] == "2" else one.answer(line, [])

    one = server({str(n): MAIL % b"%d" % n + b"x" * 2000 * (n == 2) for n in (1, 2, 3)}, **{verb: refuse})

    if verb == "RETR":
        said = "SELECT last_error FROM fetcher.cursor WHERE mailbox = %(mailbox)s"
        check(outside, at(one.port), delete=True)
        assert (["1", "3"], ["2"]) == (subjects(outside), list(one.mails))
        assert "lists 1 mails but does not give" in outside.rows(said)[0][0]
        one.hooks = {}
        check(outside, at(one.port), delete=True)
        assert ([], ["1", "3", "2"]) == (outside.rows(said), subjects(outside))
    else:  # a server without TOP gives the whole mail, of which the header is kept
        check(outside, at(one.port), limit=1000)
        assert ["1", "2", "3"] == subjects(outside)


def test_a_mail_without_end_is_given_up(outside, server):
    def endless(sock, _line):
        with suppress(OSError):
            sock.sendall(b"+OK\r\n")
            while True:
                sock.sendall((b"x" * 70 + b"\r\n") * 1000)

    one = server({"1": MAIL % b"1"}, RETR=endless)

    with pytest.raises(failures.ProtocolError, match="without end"):
        check(outside, at(one.port, seconds=10), limit=5_000_000)


def test_a_listing_without_end_is_given_up(outside, server, monkeypatch):
    monkeypatch.setattr(pop3_wire, "LARGEST_LISTING", 10_000)
    one = server({}, UIDL=lambda *_: b"+OK\r\n" + b"1 x\r\n" * 3_000)

    with pytest.raises(failures.ProtocolError, match="more than 10000 bytes"):
        check(outside, at(one.port))


def test_a_limit_below_what_is_kept_in_memory_holds_for_mail_of_another_size_than_announced(outside, server):
    one = server({"1": MAIL % b"1" + b"x" * 3_000}, LIST=lambda *_: b"+OK\r\n1 10\r\n.\r\n")

    check(outside, at(one.port), limit=1000)

    assert ["too_large"] == [record["parse_outcome"] for record in outside.records()]


def test_a_listing_waits_for_another_client_to_end(outside, server):
    answers = iter([b"-ERR [IN-USE] locked\r\n", b"-ERR [IN-USE] locked\r\n"])
    one = server({"1": MAIL % b"1"}, PASS=lambda *_: next(answers, b"+OK\r\n"))

    assert ["1"] == [uidl for uidl, _ in pop3.listed(at(one.port), "user", SECRET, patience=10).values()]
    one.hooks["PASS"] = lambda *_: b"-ERR [IN-USE] locked\r\n"
    with pytest.raises(failures.MailboxBusy):
        pop3.listed(at(one.port), "user", SECRET, patience=0)


CUT = stuffed(MAIL % b"2")[:40]


@pytest.mark.parametrize(
    ("hooks", "error"),
    [
        pytest.param({"greeting": lambda *_: b"* OK an IMAP server\r\n"}, failures.ProtocolError, id="IMAP"),
        pytest.param({"greeting": lambda *_: b"x" * 200_000}, failures.ProtocolError, id="endless line"),
        pytest.param({"greeting": lambda *_: None}, failures.TimedOut, id="silent"),
        pytest.param({"PASS": lambda *_: b"-ERR [AUTH] secret is wrong\r\n"}, failures.LoginRefused, id="password"),
        pytest.param({"PASS": lambda *_: b"-ERR [IN-USE] locked\r\n"}, failures.MailboxBusy, id="locked"),
        pytest.param({"PASS": lambda *_: b"-ERR [SYS/TEMP] away\r\n"}, failures.LoginUnavailable, id="out of order"),
        pytest.param({"USER": lambda *_: b"-ERR [LOGIN-DELAY] wait\r\n"}, failures.MailboxBusy, id="too often"),
        pytest.param({"UIDL": lambda *_: b"-ERR what?\r\n"}, failures.UidlNotOffered, id="no unique ids"),
        pytest.param({"UIDL": lambda *_: b"+OK\r\nx y\r\n.\r\n"}, failures.ProtocolError, id="no number"),
        pytest.param({"UIDL": lambda *_: b"+OK\r\n1\r\n.\r\n"}, failures.ProtocolError, id="no id"),
        pytest.param({"LIST": lambda *_: b"+OK\r\n1\r\n.\r\n"}, failures.ProtocolError, id="no size"),
        pytest.param({"UIDL": lambda *_: b"+OK\r\n1 a\r\n"}, failures.TimedOut, id="answer without end"),
        pytest.param({"RETR": lambda *_: b"+OK\r\n" + CUT}, failures.TimedOut, id="stalled in a mail"),
        pytest.param({"RETR": lambda s, _: s.sendall(b"+OK\r\n" + CUT)}, failures.ConnectionLost, id="cut in a mail"),
        pytest.param({"RETR": lambda *_: None}, failures.ConnectionLost, id="closed"),
    ],
)
def test_a_server_that_does_harm_is_a_clear_error_and_loses_nothing(outside, server, hooks, error):
    one = server({"1": MAIL % b"1", "2": MAIL % b"2"}, **hooks)

    with pytest.raises(error) as caught:
        check(outside, at(one.port), delete=True)
    assert "secret" not in str(caught.value)
    assert ["1", "2"] == list(one.mails), "what was not taken was deleted"

    one.hooks = {}
    check(outside, at(one.port))
    assert ["1", "2"] == subjects(outside)


def test_no_password_is_sent_where_tls_was_asked_for_and_is_not_offered(outside, server):
    one = server({}, STLS=lambda *_: b"-ERR what?\r\n")

    with (
        pytest.raises(failures.TlsNotOffered, match="nothing was sent to it in clear text"),
        pop3.session(Server(host="127.0.0.1", port=one.port, tls="starttls", seconds=1), "user", SECRET),
    ):
        pass
    assert ["STLS"] == one.said


def test_a_certificate_is_not_trusted_by_default(outside, dovecot_pop3):
    with (
        pytest.raises(failures.CertificateNotTrusted),
        pop3.session(replace(dovecot_pop3, tls="starttls"), outside.mailbox, SECRET),
    ):
        pass


def test_starttls_works_with_the_authority_named(stack, outside, dovecot_pop3):
    authority = next(Path(stack.environ["MAILWEAVE_HOME"]).rglob("certificate.pem"))
    with pop3.session(replace(dovecot_pop3, tls="starttls", ca_file=authority), outside.mailbox, SECRET) as connection:
        assert {} == connection.listed()


def test_a_line_break_in_a_name_is_never_sent(outside, server):
    one = server({})

    with pytest.raises(failures.LoginRefused), pop3.session(at(one.port), "a\r\nDELE 1", SECRET):
        pass
    assert [] == one.said


class Bearer:
    """A consent whose first token the server does not take."""

    def current(self) -> Token:
        return Token("old")

    def instead_of(self, refused: Token) -> Token | None:
        return Token("new") if refused == Token("old") else None


def test_a_token_is_sent_by_xoauth2_and_one_that_is_refused_is_replaced_once(outside, server):
    answers = {b"user=user\1auth=Bearer new\1\1": b"+OK\r\n"}

    def line(_sock, said):
        return answers.get(base64.b64decode(said), b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n")

    one = server({"1": MAIL % b"1"}, AUTH=lambda *_: b"+ \r\n", **{"": lambda *_: b"-ERR [AUTH] no\r\n"})
    one.other = line

    with pop3.session(at(one.port), "user", Bearer()) as connection:
        assert ["1"] == [uidl for uidl, _ in connection.listed().values()]
    answers.clear()
    with (
        pytest.raises(failures.LoginRefused, match="refuses the access token"),
        pop3.session(at(one.port), "user", Bearer()),
    ):
        pass
