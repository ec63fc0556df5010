"""Mail that servers push is answered with 250 once it is durable, and only then."""

import smtplib
import ssl
import threading
import time
from contextlib import closing, suppress
from dataclasses import replace
from ipaddress import ip_network

import pytest
from kafka import TopicPartition
from prometheus_client import REGISTRY

from services import mime
from services.cli.stack.certificate import make as make_certificate
from services.domain.errors import Refused, Retry
from services.domain.identity import delivery_id_pushed
from services.fetcher import intake, smtp
from services.fetcher.listening import Listener
from services.fetcher.polling import Ports
from services.runtime import admin, lag
from services.runtime.listen import Address, Listen
from services.runtime.metrics import PUSHED_OUTCOMES
from services.runtime.producer import Producer
from services.settings.snapshot import EMPTY, apply
from services.storage.postgres import Database
from tests.component.fetcher.listener import HOST, Wire, ask_for_data, listening, settings, wire
from tests.e2e.topics import everything

pytestmark = pytest.mark.component

SENDER = "sender@else.example"
PLAIN = b"Subject: plain\r\n\r\nplain\r\n"
MAIL = b"Message-ID: <1@else.example>\r\nFrom: a@else.example\r\nSubject: one\r\n\r\n.dot\r\n..\r\nbare\nend\r\n"
CLIENTS = {"lmtp": smtplib.LMTP, "smtp": smtplib.SMTP}


@pytest.fixture
def other(outside):
    return f"other-{outside.mailbox}"


@pytest.fixture
def listener(outside, other):
    """A listener for two mailboxes and a disabled one, with a limit of 6 MB."""
    mailboxes = {outside.mailbox: True, other: True, f"off-{outside.mailbox}": False}
    with listening(outside.ports, settings(megabytes=6, **mailboxes)) as running:
        yield running


@pytest.fixture(params=["lmtp", "smtp"])
def client(request, listener):
    with CLIENTS[request.param](HOST, listener.ports[request.param], timeout=30) as made:
        made.ehlo()
        yield made


def source_of(client):
    return "lmtp" if isinstance(client, smtplib.LMTP) else "smtp"


def rows(outside, mailbox=None):
    query = "SELECT id, source, folder, uid, encode(blob_sha256, 'hex') FROM fetcher.delivery WHERE mailbox = '{}'"
    return outside.rows(query.format(mailbox or outside.mailbox))


def push(client, *mailboxes, mail=MAIL):
    """Send a mail; return the code and first word of each reply that came after its end."""
    client.ehlo_or_helo_if_needed()
    assert 250 == client.mail(SENDER)[0]
    for mailbox in mailboxes:
        assert 250 == client.rcpt(mailbox)[0]
    replies = [client.data(mail)]
    if isinstance(client, smtplib.LMTP):
        replies += [client.getreply() for _ in mailboxes[1:]]
    return [f"{code} {text.decode().split()[0]}" for code, text in replies]


def test_a_mail_is_stored_byte_for_byte_sent_and_written_before_250(client, outside):
    assert ["250 2.0.0"] == push(client, outside.mailbox.upper())

    ((found, source, folder, uid, sha256),) = rows(outside)
    assert MAIL == outside.ports.blobs.read(sha256)
    assert (delivery_id_pushed(outside.mailbox, sha256), source_of(client), "INBOX", None) == (
        found,
        source,
        folder,
        uid,
    )
    (record,) = outside.records()
    assert (str(found), source_of(client), "inbox") == (record["delivery_id"], record["source"], record["folder_role"])
    assert (None, None, len(MAIL)) == (record["uidvalidity"], record["uid"], record["size"])
    assert "backfill" not in outside.sent[0].headers


def test_each_recipient_of_lmtp_has_its_reply_and_smtp_has_one(client, outside, other, listener):
    detail = outside.mailbox.replace("@", "+detail@")

    assert ["250 2.0.0"] * (3 if isinstance(client, smtplib.LMTP) else 1) == push(
        client, outside.mailbox, other, detail
    )

    assert 1 == len(rows(outside)) == len(rows(outside, other))
    assert {outside.mailbox, other} == {r["mailbox"] for r in outside.records()}
    assert [2] == listener.produced
    assert 250 == client.noop()[0]


def test_a_mail_that_is_sent_again_is_one_delivery_whatever_way_it_comes(listener, outside):
    for source, client in CLIENTS.items():
        with client(HOST, listener.ports[source]) as again:
            again.sendmail(SENDER, [outside.mailbox], MAIL)

    assert 1 == len(rows(outside)) == len(outside.records())


def test_mails_of_one_connection_are_mails_of_their_own(client, outside):
    for n in range(3):
        assert ["250 2.0.0"] == push(client, outside.mailbox, mail=b"Subject: %d\r\n\r\n" % n)

    assert ["0", "1", "2"] == [r["subject"] for r in outside.records()]


def test_unknown_disabled_and_too_many_recipients_are_told_so(client, outside):
    client.mail(SENDER)

    assert (550, b"5.1.1") == _first(client.rcpt("nobody@own.example"))
    assert (550, b"5.1.1") == _first(client.rcpt(outside.mailbox.replace("example.org", "else.example")))
    assert (450, b"4.2.1") == _first(client.rcpt(f"off-{outside.mailbox}"))
    assert 503 == client.docmd("DATA")[0]
    for n in range(100):
        assert 250 == client.rcpt(outside.mailbox.replace("@", f"+{n}@"))[0]
    assert (452, b"4.5.3") == _first(client.rcpt(outside.mailbox))


def _first(reply):
    return reply[0], reply[1].split()[0]


@pytest.mark.parametrize("size", [3_900_000, 5_900_000])
def test_a_large_mail_is_taken_whole(client, outside, size):
    mail = b"Subject: large\r\n\r\n" + b"".join(b"%076d\r\n" % n for n in range(size // 78))

    assert ["250 2.0.0"] == push(client, outside.mailbox, mail=mail)

    ((*_, sha256),) = rows(outside)
    assert mail == outside.ports.blobs.read(sha256)


def test_a_mail_over_the_limit_is_refused_by_its_word_and_by_its_size(client, outside):
    assert (552, b"5.3.4") == _first(client.mail(SENDER, ["SIZE=6291457"]))
    assert str(6 * 1024 * 1024) == client.esmtp_features["size"]
    large = b"x" * 1_000_000 + b"\r\n"

    assert ["552 5.3.4"] == push(client, outside.mailbox, mail=large * 7)

    assert [] == rows(outside) == outside.sent
    assert ["250 2.0.0"] == push(client, outside.mailbox, mail=large)


def test_a_mail_of_any_bytes_is_taken(client, outside):
    mail = bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") * 20 + b"\r\n"

    client.ehlo_or_helo_if_needed()
    assert 250 == client.mail("jö@else.example", ["BODY=8BITMIME", "SMTPUTF8"])[0]
    client.rset()
    assert ["250 2.0.0"] == push(client, outside.mailbox, mail=mail)
    assert ["250 2.0.0"] == push(client, outside.mailbox, mail=b"")

    assert mail in [outside.ports.blobs.read(sha256) for *_, sha256 in rows(outside)]


def test_a_bounce_has_no_sender_and_is_taken(client, outside):
    assert 250 == client.mail("")[0]
    assert 250 == client.rcpt(outside.mailbox)[0]
    assert 250 == client.data(MAIL)[0]

    assert 1 == len(rows(outside))


@pytest.mark.parametrize("away", ["store", "Kafka", "PostgreSQL"])
def test_while_a_store_is_away_the_sender_keeps_the_mail_and_nothing_is_lost(outside, other, away, tmp_path):
    """What came as far as Kafka comes again under the same id."""
    ports = outside.ports
    broken = {"database": ports.database, "blobs": ports.blobs, "send": ports.send}
    with closing(Producer("127.0.0.1:1", "test")) as producer, closing(Database(_nowhere(), "fetcher")) as nowhere:
        match away:
            case "store":
                broken["blobs"] = FullDisk(ports.blobs)
            case "Kafka":
                broken["send"] = producer.send_all
            case "PostgreSQL":
                broken["database"] = nowhere
        snapshot = settings(**{outside.mailbox: True, other: True})
        with (
            listening(Ports(now=ports.now, **broken), snapshot) as running,
            smtplib.LMTP(HOST, running.ports["lmtp"]) as client,
        ):
            assert ["451 4.3.0"] * 2 == push(client, outside.mailbox, other)
            assert [] == rows(outside)
    with listening(ports, snapshot) as running, smtplib.LMTP(HOST, running.ports["lmtp"]) as client:
        assert ["250 2.0.0"] * 2 == push(client, outside.mailbox, other)
    assert 1 == len(rows(outside)) == len(rows(outside, other))


class FullDisk:
    def __init__(self, blobs):
        self._blobs = blobs
        self.writer, self.path = blobs.writer, blobs.path

    def put_many(self, contents):
        raise Retry("no space left on device")


def _nowhere():
    return "postgresql://u:p@127.0.0.1:1/m"


def test_through_kafka_the_record_is_on_the_topic_when_250_is_said(stack, outside):
    kafka = stack.environ["MAILWEAVE_KAFKA"]
    with closing(Producer(kafka, "test")) as producer:
        ports = Ports(database=outside.ports.database, blobs=outside.ports.blobs, send=producer.send_all,
                      now=outside.ports.now)  # fmt: skip
        with (
            listening(ports, settings(**{outside.mailbox: True})) as running,
            smtplib.LMTP(HOST, running.ports["lmtp"]) as client,
        ):
            client.sendmail(SENDER, [outside.mailbox], MAIL)
            records = [r for r in everything(kafka, "mail-received") if outside.mailbox.encode() in r.value]

    # Nobody consumes here, so to others it would look like mail that is on its way.
    with admin.client(kafka) as client:
        ends = lag.ends(kafka, "mail-received")
        client.delete_records({TopicPartition("mail-received", place): offset for place, offset in ends.items()})
    assert [b"1@else.example"] == [r.key for r in records]
    assert 1 == len(rows(outside))


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00\xff\xfe\r\n",
        b"x" * 5_000_000 + b"\r\n",
        b"MAIL FROM:<" + b"(" * 300 + b"\r\n",
        b"RCPT TO:\r\nMAIL FROM:<>x=\r\nRCPT TO:<@>\r\n",
        b"DATA\r\n",
        b"AUTH PLAIN AGEAYg==\r\nVRFY root\r\nEXPN all\r\nTURN\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n" * 500,
        b"STARTTLS\r\n",
    ],
    ids=["bytes", "endless line", "comments", "syntax", "data", "other commands", "http", "empty lines", "tls"],
)
def test_garbage_gets_errors_and_the_server_lives(listener, outside, noise):
    with wire(listener.ports["smtp"]) as client:
        client.say(noise, b"QUIT\r\n")
        said = []
        while reply := client.reply():
            said.append(reply)
        assert not [reply for reply in said if reply.startswith(("250", "354"))]
    with smtplib.SMTP(HOST, listener.ports["smtp"]) as again:
        again.sendmail(SENDER, [outside.mailbox], MAIL)
    assert 1 == len(rows(outside))


@pytest.mark.parametrize("command", ["MAIL FROM:<", "MAIL FROM:(", "MAIL FROM:<a@[", "MAIL FROM:<.@[\t"])
def test_what_is_no_address_is_refused_for_good(client, command):
    assert 553 == client.docmd(command)[0]


@pytest.mark.parametrize("so_far", [b"", b"Subject: half", b"x" * 5_000_000 + b"\r\n.\r"], ids=["none", "half", "5 MB"])
def test_of_a_mail_that_is_cut_off_nothing_is_kept(listener, outside, so_far, tmp_path):
    with wire(listener.ports["lmtp"], b"LHLO x\r\n") as client:
        ask_for_data(client, outside.mailbox)
        client.say(so_far)
    with smtplib.LMTP(HOST, listener.ports["lmtp"]) as again:
        again.sendmail(SENDER, [outside.mailbox], MAIL)
    listener.stop()

    assert 1 == len(rows(outside)) == len(outside.records())
    assert [] == list((tmp_path / "blobs" / "unfinished").iterdir())


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r"])
def test_a_mail_cannot_be_smuggled_into_another(listener, outside, end):
    """RFC 5321 section 2.3.8: what only some servers take for an end of DATA is content."""
    inner = b"MAIL FROM:<ceo@own.example>\r\nRCPT TO:<%s>\r\nDATA\r\nSubject: forged\r\n\r\nforged"
    with wire(listener.ports["smtp"]) as client:
        ask_for_data(client, outside.mailbox)
        client.say(b"Subject: outer\r\n\r\nouter", end, inner % outside.mailbox.encode(), b"\r\n.\r\nQUIT\r\n")
        assert ["250", "221"] == [client.reply()[:3] for _ in range(2)]

    assert ["outer"] == [r["subject"] for r in outside.records()]


def test_commands_before_tls_do_not_count_after_it(outside, tmp_path):
    """A man in the middle may put commands behind STARTTLS; none of them is obeyed (RFC 3207 section 6)."""
    certificate, key = tmp_path / "certificate", tmp_path / "key"
    make_certificate(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with listening(outside.ports, settings(**{outside.mailbox: True}), certificate=certificate, key=key) as running:
        with smtplib.SMTP("localhost", running.ports["smtp"]) as client:
            client.starttls(context=trusting)
            client.ehlo()
            assert not client.has_extn("starttls")
            assert not client.has_extn("auth")
            client.sendmail(SENDER, [outside.mailbox], MAIL)
        with wire(running.ports["smtp"]) as client:
            client.say(b"STARTTLS\r\nEHLO injected\r\n")
            assert "220" == client.reply()[:3]
            secured = trusting.wrap_socket(client.socket, server_hostname="localhost")
            secured.sendall(b"MAIL FROM:<a@else.example>\r\n")
            assert secured.recv(100).startswith(b"503 ")
            secured.close()
        with wire(running.ports["smtp"]) as client:
            client.say(b"STARTTLS\r\n")
            client.reply()
            client.say(b"no handshake at all\r\n" * 50)
            while client.socket.recv(100):
                pass
        with smtplib.SMTP("localhost", running.ports["smtp"]) as client:
            client.noop()
    assert 1 == len(rows(outside))


def test_from_other_networks_nobody_may_speak(outside):
    elsewhere = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    with listening(outside.ports, settings(), networks=elsewhere) as running:
        for port in running.ports.values():
            with closing(Wire(port)) as client:
                assert client.reply().startswith("554 5.7.1")
                assert "" == client.reply()


def test_a_stop_answers_the_mail_in_work_and_says_goodbye_to_all_others(listener, outside):
    entered, go_on = threading.Event(), threading.Event()
    send = outside.ports.send

    def slow(rows):
        entered.set()
        go_on.wait(20)
        send(rows)

    object.__setattr__(outside.ports, "send", slow)
    port = listener.ports["smtp"]
    with wire(port) as idle, wire(port) as half, wire(port) as working:
        for client in (half, working):
            ask_for_data(client, outside.mailbox)
        half.say(b"Subject: half\r\n")
        working.say(PLAIN, b".\r\n")
        entered.wait(20)
        listener.stopping.set()
        assert ["421 4.3.2", "421 4.3.2"] == [client.reply()[:9] for client in (idle, half)]
        go_on.set()
        assert ["250 2.0.0", "421 4.3.2", ""] == [working.reply()[:9] for _ in range(3)]
    with pytest.raises(ConnectionRefusedError):
        Wire(port)

    assert 1 == len(rows(outside))


def test_a_sender_that_hears_no_answer_sends_again_and_makes_no_second_delivery(listener, outside):
    entered, go_on = threading.Event(), threading.Event()
    send = outside.ports.send

    def slow(rows):
        entered.set()
        go_on.wait(20)
        send(rows)

    object.__setattr__(outside.ports, "send", slow)
    with wire(listener.ports["smtp"]) as gone:
        ask_for_data(gone, outside.mailbox)
        gone.say(PLAIN, b".\r\n")
        entered.wait(20)
    go_on.set()
    with smtplib.SMTP(HOST, listener.ports["smtp"]) as again:
        again.sendmail(SENDER, [outside.mailbox], PLAIN)

    assert 1 == len(rows(outside)) == len({r["delivery_id"] for r in outside.records()})


def test_addresses_that_cannot_be_had_are_refused_in_plain_words(outside, listener):
    taken = Listen(addresses={"smtp": Address(HOST, listener.ports["smtp"])})
    with pytest.raises(Refused, match=r"MAILWEAVE_SMTP: 127.0.0.1:\d+ cannot be listened on"):
        Listener(taken, settings, lambda: outside.ports)


def test_a_certificate_that_is_none_is_refused_in_plain_words(outside, tmp_path):
    (tmp_path / "pem").write_text("no certificate")
    for wrong in (Listen(certificate=tmp_path / "pem"), Listen(key=tmp_path / "pem")):
        with pytest.raises(Refused, match="MAILWEAVE_LISTEN_CERT"):
            Listener(wrong, settings, lambda: outside.ports)


def test_what_becomes_of_pushed_mail_is_counted(client, outside):
    def counted(outcome):
        labels = {"source": source_of(client), "outcome": outcome}
        return REGISTRY.get_sample_value("mailweave_pushed_mails_total", labels) or 0

    before = {outcome: counted(outcome) for outcome in PUSHED_OUTCOMES[source_of(client)]}
    client.mail(SENDER)
    client.rcpt("nobody@own.example")
    client.rset()
    client.mail(SENDER, ["SIZE=999999999"])
    for _ in range(2):
        push(client, outside.mailbox)

    changed = {outcome: counted(outcome) - value for outcome, value in before.items()}
    assert {"unknown_recipient": 1, "too_large": 1, "taken": 1, "known": 1} == {k: v for k, v in changed.items() if v}


@pytest.mark.parametrize("size", [1_000, 5_000_000], ids=["in memory", "stored"])
def test_a_mail_to_many_recipients_is_parsed_once(outside, monkeypatch, size):
    parsed = []

    def counting(parse):
        def parse_counted(what):
            parsed.append(what)
            return parse(what)

        return parse_counted

    for name in ("parse", "parse_file"):
        monkeypatch.setattr(mime, name, counting(getattr(mime, name)))
    many = [f"{n}-{outside.mailbox}" for n in range(25)]
    with (
        listening(outside.ports, settings(**dict.fromkeys(many, True))) as running,
        smtplib.LMTP(HOST, running.ports["lmtp"]) as client,
    ):
        assert ["250 2.0.0"] * 25 == push(client, *many, mail=MAIL + b"x" * size + b"\r\n")

    assert 1 == len(parsed)
    assert set(many) == {r["mailbox"] for r in outside.records()}


def test_a_sender_that_is_slower_than_the_pace_loses_its_place_to_the_next(outside, monkeypatch):
    """It is never silent for long."""
    monkeypatch.setattr(intake, "SLOTS", 1)
    monkeypatch.setattr(smtp, "IDLE_SECONDS", 1.0)
    monkeypatch.setattr(smtp, "SLOWEST_BYTES_PER_SECOND", 10_000_000)
    with (
        listening(outside.ports, settings(**{outside.mailbox: True})) as running,
        wire(running.ports["smtp"]) as slow,
    ):
        ask_for_data(slow, outside.mailbox)
        sent = 0
        with suppress(ConnectionError):
            while sent < 20_000_000:
                slow.say(b"x" * 65_534 + b"\r\n")
                sent += 65_536
                time.sleep(0.1)
        with smtplib.SMTP(HOST, running.ports["smtp"]) as client:
            client.sendmail(SENDER, [outside.mailbox], MAIL)

    assert sent < 20_000_000
    assert 1 == len(rows(outside))


def test_a_sender_that_keeps_the_pace_may_take_longer_than_it_may_be_silent(outside, monkeypatch):
    monkeypatch.setattr(smtp, "IDLE_SECONDS", 3.0)
    with (
        listening(outside.ports, settings(**{outside.mailbox: True})) as running,
        wire(running.ports["smtp"]) as client,
    ):
        ask_for_data(client, outside.mailbox)
        for _ in range(25):
            client.say(b"x" * 65_534 + b"\r\n")
            time.sleep(0.2)
        client.say(b".\r\n")
        assert client.reply().startswith("250")

    assert 1 == len(rows(outside))


def test_a_mailbox_that_is_only_pushed_to_needs_no_server(outside):
    pushed = apply(EMPTY, f"mailbox/{outside.mailbox}", 1, {"address": outside.mailbox, "incoming": "push"})
    with (
        listening(outside.ports, pushed) as running,
        smtplib.LMTP(HOST, running.ports["lmtp"]) as client,
    ):
        assert ["250 2.0.0"] == push(client, outside.mailbox)

    assert 1 == len(rows(outside))


def test_a_mail_to_a_forward_mailbox_and_to_another_is_unwrapped_for_the_first_alone(outside):
    other, inner = "other@example.org", b"Message-ID: <inner@example.org>\r\nFrom: c@example.org\r\n\r\nIn it.\r\n"
    head = b"Message-ID: <outer@example.org>\r\nFrom: b@example.org\r\nMIME-Version: 1.0\r\n"
    whole = head + b"Content-Type: message/rfc822\r\n\r\n" + inner
    ports = replace(outside.ports, collects=lambda mailbox: mailbox == outside.mailbox)
    with (
        listening(ports, settings(**{outside.mailbox: True, other: True})) as running,
        smtplib.LMTP(HOST, running.ports["lmtp"]) as client,
    ):
        assert ["250 2.0.0"] * 2 == push(client, outside.mailbox, other, mail=whole)

    assert {outside.mailbox: "inner@example.org", other: "outer@example.org"} == {
        record["mailbox"]: record["message_id"] for record in outside.records()
    }
