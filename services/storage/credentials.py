"""
Mail credentials by name, sealed: passwords, and what gets OAuth access tokens.

An OAuth credential has two parts. What a person stored is written in the role ``settings`` alone; the tokens that came
of it since are written by those who log in.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from services.domain.errors import Refused
from services.storage.sealing import SealBrokenError, Secret, opened, seal

_ROW = (
    "SELECT kind, nonce, ciphertext, token_nonce, token_ciphertext, token_expires FROM settings.credential"
    " WHERE name = %s"
)
_LOCKED = f"{_ROW} FOR UPDATE"


class NoCredential(Refused):
    """There is no credential of this name, or it cannot be read."""

    code = "no_credential"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token and the moment from which on it is refused."""

    token: Secret
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """
    A client of an authorisation server with somebody's consent (RFC 6749 section 6).

    ``refresh_token`` is the one that counts now, ``access`` the last token it brought. A public client has no secret.
    """

    token_endpoint: str
    client_id: str
    client_secret: Secret | None
    scope: str
    refresh_token: Secret
    access: AccessToken | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A credential as it may be shown."""

    name: str
    kind: str
    changed: datetime
    token_expires: datetime | None


def store(connection: psycopg.Connection[Any], key: bytes, name: str, credential: Secret | OAuth) -> bool:
    """
    Store a credential under a name; return whether it replaces one. Needs the role ``settings``.

    Tokens that came of the one before are forgotten: they may be another person's.
    """
    match credential:
        case Secret():
            kind, content = "password", credential.reveal()
        case OAuth():
            kind, content = "oauth", _document(credential)
    nonce, ciphertext = seal(key, content, name)
    row = connection.execute(
        "INSERT INTO settings.credential (name, kind, nonce, ciphertext) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, nonce = excluded.nonce,"
        " ciphertext = excluded.ciphertext, token_nonce = NULL, token_ciphertext = NULL, token_expires = NULL,"
        " changed = now() RETURNING xmax <> 0",  # a row that was there is locked by this transaction
        (name, kind, nonce, ciphertext),
    ).fetchone()
    return row == (True,)


def load(connection: psycopg.Connection[Any], key: bytes, name: str, *, lock: bool = False) -> Secret | OAuth:
    """
    Return the credential of that name; with ``lock`` nobody else gets its lock before the transaction ends.

    ``NoCredential`` when there is none, and when key and row do not belong together: another key, or a row that was
    changed or moved to another name.
    """
    row = connection.execute(_LOCKED if lock else _ROW, (name,)).fetchone()
    if row is None:
        raise NoCredential(f"no credential is stored under the name {name!r}: store it, or name another in the mailbox")
    kind, nonce, ciphertext, token_nonce, token_ciphertext, expires = row
    try:
        content = opened(key, nonce, ciphertext, name)
        tokens = None if token_nonce is None else opened(key, token_nonce, token_ciphertext, _tokens_of(name))
    except SealBrokenError as error:
        raise NoCredential(
            f"the credential {name!r} cannot be decrypted with this MAILWEAVE_SECRET_KEY: give the key it was stored"
            " with, or store it again"
        ) from error
    return Secret(content) if kind == "password" else _oauth(content, tokens, expires)


def keep_tokens(
    connection: psycopg.Connection[Any], key: bytes, name: str, access: AccessToken, refresh_token: Secret
) -> None:
    """Write the token columns, in the transaction that holds the credential's lock."""
    content = {"access": access.token.reveal().decode(), "refresh": refresh_token.reveal().decode()}
    nonce, ciphertext = seal(key, json.dumps(content).encode(), _tokens_of(name))
    connection.execute(
        "UPDATE settings.credential SET token_nonce = %s, token_ciphertext = %s, token_expires = %s WHERE name = %s",
        (nonce, ciphertext, access.expires, name),
    )


def listed(connection: psycopg.Connection[Any]) -> list[Listed]:
    """Return all credentials by name, without what they hold."""
    rows = connection.execute("SELECT name, kind, changed, token_expires FROM settings.credential ORDER BY name")
    return [Listed(*row) for row in rows]


def remove(connection: psycopg.Connection[Any], name: str) -> bool:
    """Remove a credential; return whether there was one. Needs the role ``settings``."""
    return bool(connection.execute("DELETE FROM settings.credential WHERE name = %s", (name,)).rowcount)


def _tokens_of(name: str) -> str:
    # No name holds a NUL (PostgreSQL has none in text), so the two parts of a row cannot be swapped.
    return f"{name}\0tokens"


def _document(credential: OAuth) -> bytes:
    secret = credential.client_secret
    return json.dumps(
        {
            "token_endpoint": credential.token_endpoint,
            "client_id": credential.client_id,
            "client_secret": None if secret is None else secret.reveal().decode(),
            "scope": credential.scope,
            "refresh_token": credential.refresh_token.reveal().decode(),
        }
    ).encode()


def _oauth(content: bytes, tokens: bytes | None, expires: datetime) -> OAuth:
    given = json.loads(content)
    held = None if tokens is None else json.loads(tokens)
    secret = given["client_secret"]
    return OAuth(
        token_endpoint=given["token_endpoint"],
        client_id=given["client_id"],
        client_secret=None if secret is None else Secret(secret.encode()),
        scope=given["scope"],
        refresh_token=Secret((held["refresh"] if held else given["refresh_token"]).encode()),
        access=AccessToken(token=Secret(held["access"].encode()), expires=expires) if held else None,
    )
