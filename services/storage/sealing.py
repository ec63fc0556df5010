"""Secrets: out of sight in memory, AES-256-GCM in the store, under the installation's key (``Config.cipher_key``)."""

import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12  # NIST SP 800-38D section 5.2.1.1: 96 bits, and random is safe for 2^32 of them


class SealBrokenError(Exception):
    """The key is another one, or the bytes were changed or stand in another place."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that no log line, traceback or ``repr`` shows."""

    _value: bytes = field(repr=False)

    def reveal(self) -> bytes:
        """Return the secret itself, at the moment it is needed."""
        return self._value

    def __str__(self) -> str:
        return "***"


def seal(key: bytes, content: bytes, place: str) -> tuple[bytes, bytes]:
    """Return nonce and ciphertext; they can be opened as those of the same place only."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce, AESGCM(key).encrypt(nonce, content, place.encode())


def opened(key: bytes, nonce: bytes, ciphertext: bytes, place: str) -> bytes:
    """Return what was sealed; raises ``SealBrokenError``."""
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, place.encode())
    except InvalidTag as error:
        raise SealBrokenError from error
