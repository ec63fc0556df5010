"""What a stack of real servers promises while it runs: it stays one, and a kill loses nothing."""

import imaplib
import poplib
import signal
import ssl

import psycopg
import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from services.cli import stack as local

pytestmark = pytest.mark.component


def test_up_again_starts_nothing_and_moves_nothing(servers, surroundings):
    """A second `up` finds everything running, at the same addresses."""
    before = {row.name: row.pid for row in local.status(servers.home)}
    told: list[local.Ready] = []

    again = local.up(servers.home, environ=surroundings, on_ready=told.append)

    assert before == {row.name: row.pid for row in local.status(servers.home)}
    assert {"was running"} == {ready.how for ready in told}
    assert (servers.variables, servers.ports) == (again.variables, again.ports)


def test_addresses_and_key_are_for_their_owner_only(servers):
    assert 0o600 == (servers.home / "stack.env").stat().st_mode & 0o777
    assert 0o600 == (servers.home / "secret.key").stat().st_mode & 0o777


def test_records_survive_a_killed_broker(servers):
    """What Kafka acknowledged is there after SIGKILL, up to the largest record."""
    broker = servers.variables["MAILWEAVE_KAFKA"]
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic("survives", 1, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=broker, acks="all", max_request_size=9_000_000)
    producer.send("survives", b"x" * 8_000_000).get(30)
    producer.close()

    local.kill(servers.home, "kafka")
    local.start(servers.home, "kafka")

    consumer = KafkaConsumer("survives", bootstrap_servers=broker, auto_offset_reset="earliest")
    found = consumer.poll(timeout_ms=20_000)
    consumer.close()
    assert [8_000_000] == [len(record.value) for records in found.values() for record in records]


def test_rows_survive_a_killed_postgres(servers):
    url = servers.variables["MAILWEAVE_POSTGRES"]
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE survives AS SELECT 7 AS value")

    local.kill(servers.home, "postgres")
    local.start(servers.home, "postgres")

    with psycopg.connect(url) as connection:
        assert [(7,)] == connection.execute("SELECT value FROM survives").fetchall()


def test_keys_survive_a_killed_valkey(servers):
    client = redis.Redis.from_url(servers.variables["MAILWEAVE_REDIS"])
    client.set("survives", "7")

    local.kill(servers.home, "valkey")
    local.start(servers.home, "valkey")

    assert b"7" == client.get("survives")
    client.close()


def test_mail_survives_a_killed_dovecot(servers):
    """A mailbox made while Dovecot runs can be used at once, and keeps its mail."""
    local.add_user(servers.home, "Ann+crm@example.com", "s:e c%r\\et")
    with imaplib.IMAP4("127.0.0.1", servers.ports["imap"]) as client:
        client.login("ann+crm@example.com", "s:e c%r\\et")
        client.append("INBOX", "", "", b"Subject: kept\r\n\r\n")

    local.kill(servers.home, "dovecot")
    local.start(servers.home, "dovecot")

    with imaplib.IMAP4("127.0.0.1", servers.ports["imap"]) as client:
        client.login("ann+crm@example.com", "s:e c%r\\et")
        assert ("OK", [b"1"]) == client.select("INBOX")


def test_encrypted_and_pop3_ports_serve_the_same_mailbox(servers):
    """The certificate in stack.env is the one the encrypted port and STARTTLS show."""
    local.add_user(servers.home, "tls@example.com", "secret")
    trust = ssl.create_default_context(cafile=servers.variables["MAILWEAVE_CA_FILE"])
    with imaplib.IMAP4_SSL("127.0.0.1", servers.ports["imaps"], ssl_context=trust) as client:
        client.login("tls@example.com", "secret")
        client.append("INBOX", "", "", b"Subject: one\r\n\r\n")
    with imaplib.IMAP4("127.0.0.1", servers.ports["imap"]) as plain:
        assert "OK" == plain.starttls(trust)[0]

    reader = poplib.POP3("127.0.0.1", servers.ports["pop3"])
    reader.user("tls@example.com")
    reader.pass_("secret")

    assert 1 == reader.stat()[0]
    reader.quit()


def test_a_new_password_replaces_the_old_one(servers):
    local.add_user(servers.home, "new@example.com", "first1")
    local.add_user(servers.home, "new@example.com", "second")

    with imaplib.IMAP4("127.0.0.1", servers.ports["imap"]) as client:
        with pytest.raises(imaplib.IMAP4.error):
            client.login("new@example.com", "first1")
        client.login("new@example.com", "second")


def test_a_paused_server_still_counts_as_running(servers):
    local.kill(servers.home, "valkey", signal.SIGSTOP)
    try:
        assert {"running"} == {row.state for row in local.status(servers.home)}
    finally:
        local.kill(servers.home, "valkey", signal.SIGCONT)


@pytest.mark.parametrize("address", ["nobody", "a b@example.com", "a:b@example.com", "../up@example.com", "a@b@c"])
def test_what_is_no_address_gets_no_mailbox(servers, address):
    with pytest.raises(local.StackError, match="is no address"):
        local.add_user(servers.home, address, "secret")
