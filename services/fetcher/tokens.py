"""What a mailbox logs in with, by the name of its credential; access tokens are renewed when it is time."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from psycopg import Connection, errors

from services.fetcher import failures, oauth
from services.fetcher.authentication import Credential
from services.fetcher.deliveries import Database
from services.fetcher.mechanisms import Password, Token
from services.storage import credentials
from services.storage.credentials import NoCredential, OAuth
from services.storage.sealing import Secret

EARLY = timedelta(minutes=5)


class Consent(Protocol):
    """Where an OAuth credential lies, with the tokens that came of it."""

    def read(self) -> OAuth:
        """Return it as it is now; ``Refused`` when it cannot be read."""

    def renewing(self) -> AbstractContextManager[tuple[OAuth, Callable[[oauth.Renewed], None]]]:
        """
        Give it as it is now, and what keeps tokens that came of it; nobody else renews it meanwhile.

        Raises ``TokenEndpointFailed`` when another one takes too long.
        """


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
            return Tokens(StoredConsent(database, key, name), now, ca_file)


@dataclass(frozen=True, slots=True)
class StoredConsent:
    """A :class:`Consent` in the database, under a name."""

    database: Database
    key: bytes = field(repr=False)
    name: str

    def read(self) -> OAuth:
        """See the protocol."""
        with self.database.transaction() as connection:
            return self._load(connection)

    @contextmanager
    def renewing(self) -> Iterator[tuple[OAuth, Callable[[oauth.Renewed], None]]]:
        """See the protocol. The row is locked, and what is kept is committed at the end."""
        with self.database.transaction() as connection:

            def keep(new: oauth.Renewed) -> None:
                credentials.keep_tokens(connection, self.key, self.name, new.access, new.refresh_token)

            try:
                stored = self._load(connection, lock=True)
            except errors.LockNotAvailable:
                raise failures.TokenEndpointFailed(
                    f"the credential {self.name!r} is being renewed for too long by another check"
                ) from None
            yield stored, keep

    def _load(self, connection: Connection[object], *, lock: bool = False) -> OAuth:
        stored = credentials.load(connection, self.key, self.name, lock=lock)
        if isinstance(stored, Secret):
            raise NoCredential(f"the credential {self.name!r} has just become a password; the next check uses it")
        return stored


@dataclass(slots=True)
class Tokens:
    """
    The access tokens of one OAuth credential, for one login.

    A token is renewed by one at a time, so all that need one at once make one request; a refresh token that the server
    gives instead of the old one is kept with it. Should that fail, the old one is used once more, which most servers
    allow for a while; else it takes a new consent.
    """

    consent: Consent
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
        return self._good(self.consent.read(), refused) or self._renew(refused)

    def _renew(self, refused: Token | None) -> Token:
        with self.consent.renewing() as (stored, keep):
            if found := self._good(stored, refused):
                return found
            new = oauth.renew(stored, now=self.now(), ca_file=self.ca_file)
            keep(new)
        self.renewed = True
        return Token(new.access.token.reveal().decode())

    def _good(self, stored: OAuth, refused: Token | None) -> Token | None:
        if stored.access is None or stored.access.expires - self.now() <= EARLY:
            return None
        token = Token(stored.access.token.reveal().decode())
        return None if token == refused else token
