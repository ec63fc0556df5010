"""The keys of our own tokens: derived from the installation's secret, or listed in a mounted file, to be rotated."""

import base64
import binascii
import re
from datetime import UTC, datetime

from services.domain.own_token import Key

DERIVED = "a"
"""The name of the key that follows from the installation's secret."""
INSTALLATION = "installation"
KEY_BYTES = 32

_NAME = re.compile("[a-z2-7]")


def read(text: str, derived: bytes) -> tuple[Key, ...]:
    """
    Return the keys of a file, the one that makes tokens first.

    A line is ``NAME KEY [UNTIL]``: a letter, 32 bytes in base64, and the date up to which a retired key verifies; the
    key ``derived`` of the name :data:`DERIVED` is written as ``installation``. Blank lines and those that begin
    with # are skipped. ``ValueError`` names the line and what is wrong with it.
    """
    keys: list[Key] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            key = _key(words, derived)
            if any(key.kid == other.kid for other in keys):
                raise ValueError(f"names the key {key.kid} a second time")
        except ValueError as error:
            raise ValueError(f"line {number} {error}") from None
        keys.append(key)
    if not keys:
        raise ValueError("holds no key")
    if keys[0].retired is not None:
        raise ValueError("begins with a retired key: the first one makes tokens")
    return tuple(keys)


def _key(words: list[str], derived: bytes) -> Key:
    name, secret, *until = words if len(words) > 1 else (words[0], "")
    if not _NAME.fullmatch(name):
        raise ValueError("must begin with the key's name: one letter of a to z, or 2 to 7")
    if (secret == INSTALLATION) != (name == DERIVED):
        raise ValueError(f"must write the key {DERIVED}, and no other, as {INSTALLATION}")
    if len(until) > 1:
        raise ValueError("must be NAME KEY [UNTIL]")
    return Key(name, derived if name == DERIVED else _secret(secret), _instant(until[0]) if until else None)


def _secret(text: str) -> bytes:
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise ValueError(f"must hold {KEY_BYTES} bytes in base64")
    return secret


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must end with a date such as 2026-12-31") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
