"""The router's file: what is wrong with it is said in words, all at once, and no secret with it."""

from datetime import UTC, datetime

import pytest

from services.domain.errors import Refused
from services.fetcher.mechanisms import Password
from services.router.configuration import load
from services.router.mailboxes import snapshot_of
from services.router.secret_files import secret_in

GOOD = """
endpoint = "https://mailweave.example:8443/"
token_file = "token"
state = "state"
ca_file = "ca.pem"

[servers.main]
host = "imap.own.example"
port = 993

[servers.old]
host = "pop.own.example"
port = 110
protocol = "pop3"
tls = "none"

[[mailboxes]]
address = "Ada@Own.example"
server = "main"
user = "ada"
password_file = "ada"
folders = ["INBOX", "Sent"]
interval = 30

[[mailboxes]]
address = "queue@own.example"
server = "old"
user = "queue"
password_file = "ada"
delete = true
"""


@pytest.fixture
def place(tmp_path):
    for name in ("token", "ada", "ca.pem"):
        (tmp_path / name).write_text("s3cret\n")
    return tmp_path


def written(place, text):
    (place / "router.toml").write_text(text)
    return place / "router.toml"


def test_a_file_is_read_with_paths_that_count_from_where_it_lies(place):
    found = load(written(place, GOOD))

    assert "https://mailweave.example:8443" == found.endpoint
    assert (place / "token", place / "state", place / "ca.pem") == (found.token_file, found.state, found.ca_file)
    ada, queue = found.mailboxes
    assert ("ada@own.example", "ada", ("INBOX", "Sent"), 30, False) == (
        ada.address, ada.table.user, ada.table.folders, ada.table.interval, ada.table.delete
    )  # fmt: skip
    assert Password("s3cret") == ada.credential(lambda: datetime.now(UTC), None)
    assert ("pop3", 110, "none", True) == (
        queue.profile.protocol, queue.profile.port, queue.profile.tls, queue.table.delete
    )  # fmt: skip
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://mailweave.example:8443/", "http://mailweave.example", "must begin with https://"),
        ("https://mailweave.example:8443/", "https://u:p@mailweave.example", "must be a URL"),
        ("https://mailweave.example:8443/", "https://mailweave.example:99999", "must be a URL"),
        ("https://mailweave.example:8443/", "mailweave.example", "must be a URL"),
        ('state = "state"\n', "", "state is missing"),
        ("port = 993", "port = 0", "servers.main.port"),
        ("port = 993", 'port = "993"', "servers.main.port"),
        ('tls = "none"', 'tls = "maybe"', "servers.old.tls"),
        ("interval = 30", "intervall = 30", "mailboxes.0.intervall is unknown"),
        ('server = "old"', 'server = "new"', "there is only main, old"),
        ("queue@own.example", "ada@own.example", "is there twice"),
        ("queue@own.example", "queue", "must be an e-mail address"),
        ("interval = 30", "delete = true", "delete is for POP3"),
        ('server = "main"', 'server = "old"', "POP3 has one folder"),
        ('"ca.pem"', '"no.pem"', "no.pem is no file"),
        ('token_file = "token"', 'token_file = "none"', "none: No such file"),
        ("interval = 30", "interval = ", "not TOML"),
        ('password_file = "ada"\nfolders', "folders", "needs either password_file or oauth_file"),
        ("interval = 30", 'oauth_file = "ada"', "needs either password_file or oauth_file"),
        ('password_file = "ada"\nfolders', 'oauth_file = "ada"\nfolders', "ada: not JSON"),
        ("port = 993", 'port = 993\nauth = "gssapi"', "servers.main.auth"),
        ("[[mailboxes]]", "[[others]]", "mailboxes is missing"),
    ],
)
def test_what_is_wrong_is_named(place, old, new, said):
    with pytest.raises(Refused) as refused:
        load(written(place, GOOD.replace(old, new)))

    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb\n", b"a\0b", b"\xff\xfe", b"x" * 9000])
def test_a_file_that_holds_no_secret_is_refused_and_its_content_is_not_repeated(tmp_path, content):
    (tmp_path / "secret").write_bytes(content)

    with pytest.raises(Refused) as refused:
        secret_in(tmp_path / "secret")
    assert "secret: " in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Refused, match=r"router\.toml: No such file"):
        load(tmp_path / "router.toml")


@pytest.mark.parametrize("intervals", [(30, 30, 60), (30, 60, 90), (30,)])
def test_mailboxes_of_one_server_share_its_connections_whatever_their_intervals(place, intervals):
    head, _, ada = GOOD.partition("[[mailboxes]]")
    ada = ada.partition("[[mailboxes]]")[0]
    boxes = [
        "[[mailboxes]]" + ada.replace("Ada@", f"ada{n}@").replace("interval = 30", f"interval = {interval}")
        for n, interval in enumerate(intervals)
    ]
    found = load(written(place, head.replace("port = 993", "port = 993\nmax_connections = 9") + "".join(boxes)))

    snapshot = snapshot_of(found.mailboxes)
    assert list(intervals) == [snapshot.profiles[box.settings.server].poll_seconds for box in found.mailboxes]
    assert 9 == sum(profile.max_connections for profile in snapshot.profiles.values())
