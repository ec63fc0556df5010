"""The keyed hash of 64 bits under which the words of a mail are compared."""

import hashlib
from functools import lru_cache

from services.domain.likeness.traits import Hash


def hasher(key: bytes) -> Hash:
    """Return the hash under a key. Words come again and again, so the latest are remembered."""

    @lru_cache(maxsize=65_536)
    def hashed(text: str) -> int:
        raw = text.encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(raw, digest_size=8, key=key).digest(), "big")

    return hashed
