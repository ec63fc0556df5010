"""Asking the mail servers of the settings, with the stored credentials."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

from services.cli.waiting import Target, Unreachable
from services.domain.errors import MailweaveError
from services.fetcher import imap
from services.fetcher.authentication import Credential
from services.fetcher.failures import FolderUnknown
from services.fetcher.probing import server_of
from services.fetcher.tokens import credential_named
from services.runtime.config import Config
from services.settings.models import MailboxSettings
from services.settings.snapshot import Snapshot
from services.storage.postgres import Database


def credential_of(config: Config, database: Database, name: str) -> Credential:
    """Return what a mailbox logs in with, as the fetcher would; ``database`` may write token columns."""
    return credential_named(database, config.cipher_key, name, now=lambda: datetime.now(UTC), ca_file=config.ca_file)


def targets(config: Config, snapshot: Snapshot) -> Iterator[Target | Unreachable]:
    """Yield what each folder of each enabled mailbox holds now, by its server; one that fails stops no other."""
    with closing(Database(config.postgres, "fetcher")) as database:
        for mailbox in snapshot.mailboxes.values():
            if mailbox.enabled:
                yield from _of(config, snapshot, mailbox, database)


def _of(
    config: Config, snapshot: Snapshot, mailbox: MailboxSettings, database: Database
) -> Iterator[Target | Unreachable]:
    left = list(mailbox.folders)
    try:
        profile = snapshot.profiles[mailbox.server_profile]
        credential = credential_of(config, database, mailbox.credential)
        with imap.session(server_of(profile, config.ca_file), mailbox.user, credential) as opened:
            while left:
                try:
                    selected = opened.select(left[0])
                    yield Target(mailbox.address, left[0], selected.uidvalidity, selected.uidnext)
                except FolderUnknown as error:
                    yield Unreachable(mailbox.address, left[0], str(error))
                del left[0]
    except KeyError:
        yield Unreachable(mailbox.address, ", ".join(left), f"no server profile {mailbox.server_profile!r}")
    except MailweaveError as error:
        # What was read before the connection broke stands; the rest is not known.
        yield from (Unreachable(mailbox.address, folder, str(error)) for folder in left)
