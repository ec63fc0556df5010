"""Asking the mail servers of the settings, with the stored credentials."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from services.cli import session
from services.cli.waiting import Target, Unreachable
from services.domain.errors import MailweaveError
from services.fetcher import imap
from services.fetcher.failures import FolderUnknown
from services.fetcher.probing import server_of
from services.runtime.config import Config
from services.settings.models import MailboxSettings
from services.settings.permits import readable
from services.settings.snapshot import Snapshot
from services.storage import credentials


def targets(config: Config, snapshot: Snapshot) -> Iterator[Target | Unreachable]:
    """Yield what each folder that may be read holds now, by its server; one that fails stops no other."""
    with session.store(config, "fetcher") as connection:
        for address in readable(snapshot):
            yield from _of(config, snapshot, snapshot.mailboxes[address], connection)


def _of(
    config: Config, snapshot: Snapshot, mailbox: MailboxSettings, connection: Connection[Any]
) -> Iterator[Target | Unreachable]:
    left = list(mailbox.folders)
    try:
        profile = snapshot.profiles[mailbox.server_profile]
        secret = credentials.load(connection, config.cipher_key, mailbox.credential)
        with imap.session(server_of(profile, config.ca_file), mailbox.user, secret.reveal().decode()) as opened:
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
