"""
What routers show to be let in: ``NAME.SECRET``, of which the store has a hash alone.

The secret has 256 random bits, so a plain SHA-256 of it is enough: there is nothing to be guessed.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from services.domain.errors import Refused
from services.storage.sealing import Secret

LONGEST_NAME = 63
SECRET_BYTES = 32

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_NOBODY = bytes(hashlib.sha256().digest_size)


@dataclass(frozen=True, slots=True)
class Listed:
    """A token as it may be shown; ``revoked`` is None while it lets its router in."""

    router: str
    created: datetime
    revoked: datetime | None


def named(router: str) -> str:
    """Return the name of a router; ``Refused`` when it cannot be one."""
    if not _NAME.fullmatch(router) or len(router) > LONGEST_NAME or router == "any":
        raise Refused(
            f"{router!r} is no name for a router: small letters, digits and hyphens, at most {LONGEST_NAME}, not 'any'."
        )
    return router


def create(connection: Connection[Any], router: str, *, replace: bool = False) -> Secret:
    """
    Store a new token and return it; nobody can be told it again.

    ``Refused`` while the router has one that is good, unless it is to be replaced. Needs the role ``settings``.
    """
    name = named(router)
    text = f"{name}.{secrets.token_urlsafe(SECRET_BYTES)}"
    written = connection.execute(
        "INSERT INTO settings.router_token AS t (router, sha256) VALUES (%s, %s) ON CONFLICT (router) DO UPDATE SET"
        " sha256 = excluded.sha256, created = now(), revoked = NULL WHERE t.revoked IS NOT NULL OR %s",
        (name, _hash(text), replace),
    )
    if not written.rowcount:
        raise Refused(f"the router {name} has a token. Give it a new one with --replace; the old one ends at once.")
    return Secret(text.encode())


def revoke(connection: Connection[Any], router: str) -> bool:
    """End a router's token at once; return whether there was one that was good. Needs the role ``settings``."""
    query = "UPDATE settings.router_token SET revoked = now() WHERE router = %s AND revoked IS NULL"
    return bool(connection.execute(query, (router,)).rowcount)


def router_of(connection: Connection[Any], token: str) -> str | None:
    """Return the router whose token this is; None when it is nobody's, or revoked. Takes as long whatever is wrong."""
    name, _, _ = token.partition(".")
    row = None
    if _NAME.fullmatch(name):
        query = "SELECT sha256, revoked IS NULL FROM settings.router_token WHERE router = %s"
        row = connection.execute(query, (name,)).fetchone()
    kept, good = (bytes(row[0]), row[1]) if row is not None else (_NOBODY, False)
    same = hmac.compare_digest(kept, _hash(token))
    return name if same and good else None


def listed(connection: Connection[Any]) -> list[Listed]:
    """Return all tokens by router. Needs the role ``settings``."""
    rows = connection.execute("SELECT router, created, revoked FROM settings.router_token ORDER BY router")
    return [Listed(*row) for row in rows]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
