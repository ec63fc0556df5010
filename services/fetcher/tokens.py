"""What a mailbox logs in with, by the name of its credential; access tokens are renewed when it is time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from psycopg import errors

from services.fetcher import failures, oauth
from services.fetcher.authentication import Credential
from services.fetcher.deliveries import Database
from services.fetcher.mechanisms import Password, Token
from services.storage import credentials
from services.storage.credentials import NoCredential, OAuth
from services.storage.sealing import Secret

EARLY = timedelta(minutes=5)


def credential_named(
    database: Database, key: bytes, name: str, *, now: Callable[[], datetime], ca_file: Path | None
) -> Credential:
    """Return what to log in with. ``database`` is in a role that may write token columns; raises ``NoCredential``."""
    with database.alone() as connection:
        stored = credentials.load(connection, key, name)
    match stored:
        case Secret():
            return Password(stored.reveal().decode())
        case OAuth():
            return Tokens(database, key, name, now, ca_file)


@dataclass(slots=True)
class Tokens:
    """
    The access tokens of one OAuth credential, for one login.

    A token is renewed under the credential's row lock, so replicas that need one at once make one request; a refresh
    token that the server gives instead of the old one is committed with it. Should the commit fail, the old one is
    used once more, which most servers allow for a while; else it takes a new consent.
    """

    database: Database
    key: bytes = field(repr=False)
    name: str
    now: Callable[[], datetime]
    ca_file: Path | None
    renewed: bool = False

    def current(self) -> Token:
        """Return the token at hand, or a new one where that ends within five minutes."""
        return self._token(refused=None)

    def instead_of(self, refused: Token) -> Token | None:
        """Return a token other than the refused one; None when that has just been given to us."""
        return None if self.renewed else self._token(refused)

    def _token(self, refused: Token | None) -> Token:
        with self.database.transaction() as connection:
            found = self._good(credentials.load(connection, self.key, self.name), refused)
        return found or self._renew(refused)

    def _renew(self, refused: Token | None) -> Token:
        with self.database.transaction() as connection:
            try:
                stored = credentials.load(connection, self.key, self.name, lock=True)
            except errors.LockNotAvailable:
                raise failures.TokenEndpointFailed(
                    f"the credential {self.name!r} is being renewed for too long by another check"
                ) from None
            if found := self._good(stored, refused):
                return found
            assert isinstance(stored, OAuth)
            new = oauth.renew(stored, now=self.now(), ca_file=self.ca_file)
            credentials.keep_tokens(connection, self.key, self.name, new.access, new.refresh_token)
        self.renewed = True
        return Token(new.access.token.reveal().decode())

    def _good(self, stored: Secret | OAuth, refused: Token | None) -> Token | None:
        if isinstance(stored, Secret):
            raise NoCredential(f"the credential {self.name!r} has just become a password; the next check uses it")
        if stored.access is None or stored.access.expires - self.now() <= EARLY:
            return None
        token = Token(stored.access.token.reveal().decode())
        return None if token == refused else token
