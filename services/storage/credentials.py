"""Mail credentials, encrypted with AES-256-GCM under the installation's key (``Config.cipher_key``)."""

import os
from dataclasses import dataclass, field
from typing import Any

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.domain.errors import Refused

_NONCE_BYTES = 12  # NIST SP 800-38D section 5.2.1.1: 96 bits, and random is safe for 2^32 of them


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that no log line, traceback or ``repr`` shows."""

    _value: bytes = field(repr=False)

    def reveal(self) -> bytes:
        """Return the secret itself, at the moment it is needed."""
        return self._value

    def __str__(self) -> str:
        return "***"


def store(connection: psycopg.Connection[Any], key: bytes, name: str, secret: bytes) -> None:
    """Store a secret under a name, replacing the one before. Needs the role ``settings``."""
    nonce = os.urandom(_NONCE_BYTES)
    connection.execute(
        "INSERT INTO settings.credential (name, nonce, ciphertext) VALUES (%s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET nonce = excluded.nonce, ciphertext = excluded.ciphertext, changed = now()",
        (name, nonce, AESGCM(key).encrypt(nonce, secret, name.encode())),
    )


def load(connection: psycopg.Connection[Any], key: bytes, name: str) -> Secret:
    """
    Return the secret of that name.

    ``Refused`` when there is none, and when key and row do not belong together: another key, or a row that was
    changed or moved to another name.
    """
    row = connection.execute("SELECT nonce, ciphertext FROM settings.credential WHERE name = %s", (name,)).fetchone()
    if row is None:
        raise Refused(f"no credential is stored under the name {name!r}: store it, or name another in the mailbox")
    try:
        return Secret(AESGCM(key).decrypt(bytes(row[0]), bytes(row[1]), name.encode()))
    except InvalidTag as error:
        raise Refused(
            f"the credential {name!r} cannot be decrypted with this MAILWEAVE_SECRET_KEY: give the key it was stored"
            " with, or store it again"
        ) from error
