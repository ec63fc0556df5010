"""A mailbox of the router's file, and what the router logs in to it with."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from services.domain.addresses import normalise
from services.fetcher.authentication import Credential
from services.fetcher.mechanisms import Password
from services.fetcher.tokens import Tokens
from services.router.secret_files import FileConsent, secret_in
from services.settings.declaring import Strict
from services.settings.models import MailboxSettings, ServerProfile
from services.settings.snapshot import Snapshot

Many = Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]


class MailboxTable(Strict):
    """A table ``[[mailboxes]]``: what is read, and how the router logs in."""

    address: str = Field(min_length=3, max_length=320)
    server: str
    user: str = Field(min_length=1, max_length=250)
    password_file: str | None = Field(default=None, min_length=1)
    oauth_file: str | None = Field(default=None, min_length=1)
    folders: Many = Field(default=("INBOX",), min_length=1, max_length=100)
    interval: int = Field(default=10, ge=1, le=86_400)
    delete: bool = False

    @field_validator("address")
    @classmethod
    def _normal(cls, value: str) -> str:
        address = normalise(value)
        if "@" not in address:
            raise ValueError("must be an e-mail address")
        return address

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if (self.password_file is None) == (self.oauth_file is None):
            raise ValueError("needs either password_file or oauth_file")
        return self

    @property
    def secret_file(self) -> str:
        """The file that the router logs in with."""
        return self.password_file or self.oauth_file or ""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """
    A mailbox with its server; ``secret_file`` is read at each login, so that a new one needs no restart.

    ``tokens`` is the folder of what came of an OAuth credential.
    """

    table: MailboxTable
    profile: ServerProfile
    secret_file: Path
    tokens: Path

    @property
    def address(self) -> str:
        """The normalised address."""
        return self.table.address

    @property
    def settings(self) -> MailboxSettings:
        """The mailbox as the fetcher's settings would have it; its profile is that of its server and interval."""
        return MailboxSettings(
            address=self.address,
            serverProfile=f"{self.table.server} {self.table.interval}",
            user=self.table.user,
            credential=self.table.secret_file,
            folders=self.table.folders,
        )

    def credential(self, now: Callable[[], datetime], ca_file: Path | None) -> Credential:
        """Return what to log in with; ``Refused`` when the file does not hold it."""
        if self.table.oauth_file is None:
            return Password(secret_in(self.secret_file).reveal().decode())
        return Tokens(FileConsent(self.secret_file, self.tokens), now, ca_file)

    def stamp(self) -> int:
        """Return what changes when the file does; 0 while there is none."""
        try:
            return self.secret_file.stat().st_mtime_ns
        except OSError:
            return 0


def snapshot_of(mailboxes: Collection[Mailbox]) -> Snapshot:
    """Return the mailboxes as the fetcher's settings would have them, for what decides by settings which may idle."""
    given = {mailbox.address: mailbox.settings for mailbox in mailboxes}
    profiles = {mailbox.settings.server: mailbox.profile for mailbox in mailboxes}
    return Snapshot(version=1, mailboxes=given, profiles=profiles)
