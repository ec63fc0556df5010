"""The file of token keys: what it may say, and that a mistake in it is named."""

import base64
from datetime import UTC, datetime

import pytest

from services.domain.errors import Refused
from services.domain.own_token import Key
from services.runtime import token_keys
from services.runtime.config import load

SECRET = base64.b64encode(b"s" * 32).decode()
DERIVED = b"d" * 32


def test_the_first_key_makes_tokens_and_retired_ones_have_an_end():
    text = f"# rotated in May\nb {SECRET}\n\na installation 2026-12-31\n"

    assert token_keys.read(text, DERIVED) == (
        Key("b", b"s" * 32),
        Key("a", DERIVED, datetime(2026, 12, 31, tzinfo=UTC)),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        (f"B {SECRET}", "line 1 must begin with the key's name"),
        (f"bb {SECRET}", "line 1 must begin with the key's name"),
        ("b", "line 1 must hold 32 bytes in base64"),
        ("b c2hvcnQ=", "line 1 must hold 32 bytes in base64"),
        (f"\nb {SECRET} soon", "line 2 must end with a date"),
        (f"b {SECRET} 2026-12-31 2027-01-01", "line 1 must be NAME KEY"),
        (f"b {SECRET}\nb {SECRET}", "line 2 names the key b a second time"),
        (f"a {SECRET}", "line 1 must write the key a, and no other, as installation"),
        ("b installation", "line 1 must write the key a, and no other, as installation"),
        (f"b {SECRET} 2026-12-31", "begins with a retired key"),
    ],
)
def test_a_mistake_is_named(text, problem):
    with pytest.raises(ValueError, match=problem):
        token_keys.read(text, DERIVED)


@pytest.fixture
def environ(tmp_path):
    servers = {"KAFKA": "k:1", "POSTGRES": "postgresql://p", "REDIS": "redis://r", "BLOBS": str(tmp_path)}
    given = {f"MAILWEAVE_{name}": value for name, value in servers.items()}
    return {**given, "MAILWEAVE_HOME": str(tmp_path), "MAILWEAVE_SECRET_KEY": SECRET}


def test_without_a_file_the_key_follows_from_the_secret(environ):
    config = load(environ)

    assert ["a"] == [key.kid for key in config.token_keys.all]
    assert config.token_keys.all[0].secret not in {config.secret_key, config.hash_key, config.cipher_key}


def test_a_file_replaces_it_and_may_keep_it_for_a_while(environ, tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"b {SECRET}\na installation 2026-12-31\n")
    config = load({**environ, "MAILWEAVE_TOKEN_KEYS_FILE": str(file), "MAILWEAVE_TENANT": "north"})

    assert ("north", ["b", "a"]) == (config.token_keys.tenant, [key.kid for key in config.token_keys.all])
    assert load(environ).token_keys.all[0].secret == config.token_keys.all[1].secret
    assert "s" * 32 not in repr(config)


def test_a_broken_file_is_refused_with_its_line(environ, tmp_path):
    (tmp_path / "tokens").write_text("b short\n")
    with pytest.raises(Refused, match="MAILWEAVE_TOKEN_KEYS_FILE line 1 must hold 32 bytes"):
        load({**environ, "MAILWEAVE_TOKEN_KEYS_FILE": str(tmp_path / "tokens")})
