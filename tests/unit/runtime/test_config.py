"""Config: everything that is wrong is said at once, and secrets do not show."""

import base64

import pytest

from services.domain.errors import Refused
from services.runtime.config import load

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def environ(tmp_path):
    return {
        "MAILWEAVE_HOME": str(tmp_path),
        "MAILWEAVE_KAFKA": "127.0.0.1:9092",
        "MAILWEAVE_POSTGRES": "postgresql://u:hunter2@127.0.0.1/m",
        "MAILWEAVE_REDIS": "redis://:hunter2@127.0.0.1/0",
        "MAILWEAVE_BLOBS": str(tmp_path / "blobs"),
        "MAILWEAVE_SECRET_KEY": KEY,
    }


def test_everything_missing_is_named_at_once(tmp_path):
    with pytest.raises(Refused) as refused:
        load({"MAILWEAVE_HOME": str(tmp_path), "MAILWEAVE_METRICS_PORT": "99999"})

    for name in ("KAFKA", "POSTGRES", "REDIS", "BLOBS", "SECRET_KEY", "METRICS_PORT"):
        assert f"MAILWEAVE_{name}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_environment_comes_before_the_stack(environ, tmp_path):
    kafka = environ.pop("MAILWEAVE_KAFKA")
    lines = ["# written by the stack", "MAILWEAVE_KAFKA=from-file:1", "MAILWEAVE_REDIS=redis://from-file"]
    (tmp_path / "stack.env").write_text("\n".join(lines))

    assert load(environ).kafka == "from-file:1"
    assert load({**environ, "MAILWEAVE_KAFKA": ""}).kafka == "from-file:1"
    assert load({**environ, "MAILWEAVE_KAFKA": kafka}).kafka == kafka
    assert load(environ).redis == environ["MAILWEAVE_REDIS"]


def test_secrets_do_not_show(environ):
    shown = repr(load(environ))

    assert "hunter2" not in shown
    assert KEY not in shown
    assert "kkkk" not in shown


def test_each_use_has_its_own_key(environ):
    config = load(environ)

    assert len({config.secret_key, config.hash_key, config.cipher_key}) == 3
    assert {len(config.hash_key), len(config.cipher_key)} == {32}
    assert config.hash_key == load(environ).hash_key


def test_the_key_may_lie_in_a_file(environ, tmp_path):
    (tmp_path / "key").write_text(base64.b64encode(b"f" * 32).decode() + "\n")

    assert load({**environ, "MAILWEAVE_SECRET_KEY_FILE": str(tmp_path / "key")}).secret_key == b"f" * 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILWEAVE_SECRET_KEY", "short"),
        ("MAILWEAVE_SECRET_KEY", "!" * 44),
        ("MAILWEAVE_SECRET_KEY_FILE", "/no/such/file"),
        ("MAILWEAVE_CA_FILE", "/no/such/file"),
        ("MAILWEAVE_LOG_LEVEL", "LOUD"),
        ("MAILWEAVE_METRICS_PORT", "-1"),
        ("MAILWEAVE_METRICS_PORT", "²"),
        ("MAILWEAVE_LMTP", "24"),
        ("MAILWEAVE_LMTP", "127.0.0.1:"),
        ("MAILWEAVE_SMTP", "127.0.0.1:65536"),
        ("MAILWEAVE_SMTP", "::1:25"),
        ("MAILWEAVE_LISTEN_FROM", "10.1.0.1/16"),
        ("MAILWEAVE_LISTEN_FROM", "127.0.0.1, example.org"),
        ("MAILWEAVE_LISTEN_CERT", "/no/such/file"),
        ("MAILWEAVE_INGEST", "/no/such/folder"),
        ("MAILWEAVE_ENDPOINT", "8443"),
        ("MAILWEAVE_ENDPOINT_CERT", "/no/such/file"),
        ("MAILWEAVE_ENDPOINT_KEY", "/no/such/file"),
        ("MAILWEAVE_ENDPOINT_PLAIN", "maybe"),
    ],
)
def test_wrong_values_are_named(environ, name, value):
    with pytest.raises(Refused, match=name):
        load({**environ, name: value})


def test_nothing_listens_unless_it_is_asked_for(environ):
    assert not load(environ).listen.addresses
    assert load(environ).ingest is None
    assert load(environ).endpoint.address is None


def test_the_endpoint_is_plain_only_when_told_to(environ):
    endpoint = load({**environ, "MAILWEAVE_ENDPOINT": "127.0.0.1:8443"}).endpoint
    assert ("127.0.0.1:8443", False) == (str(endpoint.address), endpoint.plain)
    assert load({**environ, "MAILWEAVE_ENDPOINT_PLAIN": "yes"}).endpoint.plain


def test_the_listener_takes_addresses_and_networks_and_trusts_loopback_by_default(environ):
    listen = load({**environ, "MAILWEAVE_LMTP": "[::1]:24", "MAILWEAVE_SMTP": "0.0.0.0:25"}).listen
    assert {"lmtp": "[::1]:24", "smtp": "0.0.0.0:25"} == {name: str(at) for name, at in listen.addresses.items()}
    assert ["127.0.0.0/8", "::1/128"] == [str(network) for network in listen.networks]

    given = load({**environ, "MAILWEAVE_LISTEN_FROM": "10.1.0.0/16,2001:db8::/32 192.0.2.7"}).listen
    assert ["10.1.0.0/16", "2001:db8::/32", "192.0.2.7/32"] == [str(network) for network in given.networks]
