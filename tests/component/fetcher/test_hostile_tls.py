"""Somebody in between: STARTTLS that is stripped, certificates that prove nothing. No password leaves, and an alert."""

from dataclasses import replace

import pytest

from services.fetcher.imap import Server
from tests.component.fetcher import certificates
from tests.component.fetcher.checking import MAILS, end, everything_arrived_once, signals

pytestmark = pytest.mark.component


@pytest.fixture
def authority(tmp_path):
    return certificates.authority(tmp_path / "authority.pem")


def where(server, authority, tls):
    return Server(host="127.0.0.1", port=server.port, tls=tls, seconds=1, ca_file=authority.file)


def no_secret_was_sent(server):
    assert not any(line.startswith(("LOGIN", "AUTHENTICATE")) for line in server.said)


def says(text):
    return lambda _s, tag, _l: text.format(tag=tag).encode()


STRIPPED = "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done\r\n"


@pytest.mark.parametrize(
    "hooks",
    [
        pytest.param({"CAPABILITY": says(STRIPPED)}, id="not offered"),
        pytest.param({"STARTTLS": says("{tag} NO not now\r\n")}, id="declined"),
        pytest.param({"STARTTLS": says("{tag} BAD what\r\n")}, id="unknown"),
        pytest.param({"greeting": says("* PREAUTH welcome, you are logged in\r\n")}, id="PREAUTH"),
    ],
)
def test_a_starttls_strip_gets_no_password_and_raises_an_alert(outside, hostile, authority, tmp_path, hooks):
    server = hostile(MAILS, **hooks)
    server.tls = certificates.served(authority, tmp_path / "server.pem")

    assert "tls_not_offered" == end(outside, where(server, authority, "starttls"))
    no_secret_was_sent(server)
    assert [("tls_not_offered", "raised")] == signals(outside)

    server.hooks.clear()
    assert "" == end(outside, where(server, authority, "starttls"))
    everything_arrived_once(outside, MAILS)
    assert ("tls_not_offered", "cleared") == signals(outside)[-1]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize(
    ("wrong", "trusted"),
    [
        pytest.param({"days": -1}, True, id="expired"),
        pytest.param({"address": "127.0.0.2"}, True, id="of another host"),
        pytest.param({}, False, id="of an unknown authority"),
    ],
)
def test_a_certificate_that_proves_nothing_gets_no_password_and_raises_an_alert(
    *, outside, hostile, authority, tmp_path, tls, wrong, trusted
):
    signer = authority if trusted else certificates.authority(tmp_path / "stranger.pem")
    server = hostile(MAILS)
    server.tls, server.implicit = certificates.served(signer, tmp_path / "bad.pem", **wrong), tls == "implicit"

    assert "certificate_not_trusted" == end(outside, where(server, authority, tls))
    no_secret_was_sent(server)
    assert [("certificate_not_trusted", "raised")] == signals(outside)

    server.tls = certificates.served(authority, tmp_path / "good.pem")
    assert "" == end(outside, where(server, authority, tls))
    everything_arrived_once(outside, MAILS)
    assert ("certificate_not_trusted", "cleared") == signals(outside)[-1]


@pytest.mark.parametrize(
    ("speaks", "asked", "code"),
    [
        pytest.param("plain", "implicit", "tls_failed", id="TLS where none is spoken"),
        pytest.param("implicit", "none", "timed_out", id="no TLS where it is spoken"),
    ],
)
def test_a_port_of_the_other_kind_is_named(*, outside, hostile, authority, tmp_path, speaks, asked, code):
    server = hostile(MAILS)
    if speaks == "implicit":
        server.tls, server.implicit = certificates.served(authority, tmp_path / "server.pem"), True

    assert code == end(outside, replace(where(server, authority, "none"), tls=asked))
    no_secret_was_sent(server)
