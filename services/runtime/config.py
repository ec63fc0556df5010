"""
Config: what is fixed at start, from the environment. The only module that reads ``os.environ``.

A name that is missing in the environment is looked up in ``<home>/stack.env``, which the local stack writes.
"""

import base64
import binascii
import hmac
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.domain.errors import Refused
from services.domain.own_token import Key, Keys
from services.runtime import token_keys
from services.runtime.listen import LOOPBACK, Address, Endpoint, Listen, Network, address, networks

CHECKOUT = Path(__file__).resolve().parents[2]
KEY_BYTES = 32
ADDRESSES = ("MAILWEAVE_KAFKA", "MAILWEAVE_POSTGRES", "MAILWEAVE_REDIS")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything a process needs to know before it starts. Secrets do not show in ``repr``."""

    home: Path
    kafka: str
    postgres: str = field(repr=False)
    redis: str = field(repr=False)
    blobs: Path
    secret_key: bytes = field(repr=False)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    crash_at: str = ""
    log_level: str = "INFO"
    imap: str | None = None
    ca_file: Path | None = None
    listen: Listen = field(default_factory=Listen)
    ingest: Path | None = None
    endpoint: Endpoint = field(default_factory=Endpoint)
    tenant: str = ""
    listed_token_keys: tuple[Key, ...] = ()

    @property
    def token_keys(self) -> Keys:
        """The keys of our own tokens: those of the file, else the one that follows from the secret."""
        return Keys(self.tenant, self.listed_token_keys or (Key(token_keys.DERIVED, _token_key(self.secret_key)),))

    @property
    def hash_key(self) -> bytes:
        """The key under which ids and addresses are hashed."""
        return derive(self.secret_key, b"mailweave ids")

    @property
    def cipher_key(self) -> bytes:
        """The key under which mail credentials are encrypted."""
        return derive(self.secret_key, b"mailweave credentials")


def derive(secret: bytes, label: bytes) -> bytes:
    """Return 32 bytes for one use of the secret, so that no two uses share a key (HKDF-Expand, RFC 5869, one block)."""
    return hmac.digest(secret, label + b"\x01", "sha256")


def _token_key(secret: bytes) -> bytes:
    return derive(secret, b"mailweave reply tokens")


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read the config. Everything that is missing or wrong is named in one ``Refused``."""
    given = os.environ if environ is None else environ
    home = Path(given.get("MAILWEAVE_HOME") or CHECKOUT / ".mailweave" / "stack").expanduser()
    source = _Source(home, {**_stack_env(home), **{k: v for k, v in given.items() if v}})
    config = Config(
        home=home,
        kafka=source.need("MAILWEAVE_KAFKA", "host:port of the brokers, comma separated"),
        postgres=source.need("MAILWEAVE_POSTGRES", "a postgresql:// URL"),
        redis=source.need("MAILWEAVE_REDIS", "a redis:// URL"),
        blobs=Path(source.need("MAILWEAVE_BLOBS", "the folder of the blob store")),
        secret_key=source.secret(),
        metrics_host=source.get("MAILWEAVE_METRICS_HOST", "127.0.0.1"),
        metrics_port=source.port("MAILWEAVE_METRICS_PORT"),
        crash_at=source.get("MAILWEAVE_CRASH_AT", ""),
        log_level=source.choice("MAILWEAVE_LOG_LEVEL", LEVELS, logging.getLevelName(logging.INFO)),
        imap=source.get("MAILWEAVE_IMAP", "") or None,
        ca_file=source.file("MAILWEAVE_CA_FILE"),
        listen=_listen(source),
        ingest=source.folder("MAILWEAVE_INGEST"),
        endpoint=_endpoint(source),
        tenant=source.get("MAILWEAVE_TENANT", ""),
        listed_token_keys=source.token_keys("MAILWEAVE_TOKEN_KEYS_FILE"),
    )
    source.refuse()
    return config


def _listen(source: "_Source") -> Listen:
    given = {"lmtp": source.address("MAILWEAVE_LMTP"), "smtp": source.address("MAILWEAVE_SMTP")}
    return Listen(
        addresses={protocol: at for protocol, at in given.items() if at is not None},
        networks=source.networks("MAILWEAVE_LISTEN_FROM") or LOOPBACK,
        certificate=source.file("MAILWEAVE_LISTEN_CERT"),
        key=source.file("MAILWEAVE_LISTEN_KEY"),
    )


def _endpoint(source: "_Source") -> Endpoint:
    return Endpoint(
        address=source.address("MAILWEAVE_ENDPOINT"),
        certificate=source.file("MAILWEAVE_ENDPOINT_CERT"),
        key=source.file("MAILWEAVE_ENDPOINT_KEY"),
        plain=source.choice("MAILWEAVE_ENDPOINT_PLAIN", ("YES", "NO"), "NO") == "YES",
    )


def _stack_env(home: Path) -> dict[str, str]:
    try:
        text = (home / "stack.env").read_text(encoding="utf-8")
    except OSError:
        return {}
    pairs = (line.partition("=") for line in map(str.strip, text.splitlines()) if not line.startswith("#"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals and value.strip()}


class _Source:
    """Reads values and collects what is wrong with them."""

    def __init__(self, home: Path, values: Mapping[str, str]) -> None:
        self._home = home
        self._values = values
        self._missing: list[str] = []
        self._wrong: list[str] = []

    def refuse(self) -> None:
        problems = list(self._wrong)
        if not problems and all(any(one.startswith(name) for one in self._missing) for name in ADDRESSES):
            raise Refused(
                f"nothing runs in {self._home} (MAILWEAVE_HOME): start it with `mailweave up`, or give "
                f"the addresses of servers in {', '.join(ADDRESSES)}."
            )
        if self._missing:
            problems.insert(0, "missing: " + ", ".join(self._missing))
        if problems:
            raise Refused("config: " + "; ".join(problems) + ". Set them in the environment, or start the local stack.")

    def get(self, name: str, default: str) -> str:
        return self._values.get(name, default)

    def need(self, name: str, what: str) -> str:
        value = self._values.get(name)
        if value is None:
            self._missing.append(f"{name} ({what})")
            return ""
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self._values.get(name, default).upper()
        if value not in allowed:
            self._wrong.append(f"{name} must be one of {', '.join(allowed)}")
        return value

    def port(self, name: str) -> int:
        value = self._values.get(name, "0")
        if not (value.isascii() and value.isdecimal() and int(value) < 1 << 16):
            self._wrong.append(f"{name} must be a port number, or 0 for any free port")
            return 0
        return int(value)

    def file(self, name: str) -> Path | None:
        value = self._values.get(name)
        if value is None:
            return None
        if not Path(value).is_file():
            self._wrong.append(f"{name} is no file")
        return Path(value)

    def folder(self, name: str) -> Path | None:
        value = self._values.get(name)
        if value is not None and not Path(value).is_dir():
            self._wrong.append(f"{name} is no folder")
        return None if value is None else Path(value)

    def address(self, name: str) -> Address | None:
        value = self._values.get(name)
        try:
            return None if value is None else address(value)
        except ValueError as error:
            self._wrong.append(f"{name} {error}")
            return None

    def networks(self, name: str) -> tuple[Network, ...]:
        try:
            return networks(self._values.get(name, "").replace(",", " ").split())
        except ValueError as error:
            self._wrong.append(f"{name} must be networks such as 10.1.0.0/16, comma separated: {error}")
            return ()

    def token_keys(self, name: str) -> tuple[Key, ...]:
        path = self.file(name)
        if path is None or not path.is_file():
            return ()
        try:
            return token_keys.read(path.read_text(encoding="ascii"), _token_key(self.secret()))
        except (OSError, UnicodeDecodeError):
            self._wrong.append(f"{name} cannot be read")
        except ValueError as error:
            self._wrong.append(f"{name} {error}")
        return ()

    def secret(self) -> bytes:
        """Return the installation's key. A mounted file is preferred where both are given: it can be rotated."""
        path, text = self._values.get("MAILWEAVE_SECRET_KEY_FILE"), self._values.get("MAILWEAVE_SECRET_KEY")
        name = "MAILWEAVE_SECRET_KEY_FILE" if path else "MAILWEAVE_SECRET_KEY"
        if path:
            try:
                text = Path(path).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError):
                self._wrong.append(f"{name} cannot be read")
                return b""
        if not text:
            self._missing.append("MAILWEAVE_SECRET_KEY or MAILWEAVE_SECRET_KEY_FILE (32 bytes in base64)")
            return b""
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            self._wrong.append(f"{name} must be {KEY_BYTES} bytes in base64")
        return key
