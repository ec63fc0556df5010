"""Asking the mail servers of the settings, with the stored credentials."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

from services.cli.waiting import Numbered, Target, Unreachable
from services.domain.errors import MailweaveError
from services.domain.identity import delivery_id_pop3
from services.fetcher import folder_rows, imap, pop3
from services.fetcher.authentication import Credential
from services.fetcher.choosing import choose, wanted_of
from services.fetcher.failures import FolderUnknown
from services.fetcher.protocols import server_of
from services.fetcher.tokens import credential_named
from services.runtime.config import Config
from services.settings.models import MailboxSettings, ServerProfile
from services.settings.objects import logins
from services.settings.objects.logins import Login
from services.settings.permits import fetched
from services.settings.snapshot import Snapshot
from services.storage.postgres import Database


def credential_of(config: Config, database: Database, name: str) -> Credential:
    """Return what a mailbox logs in with, as the fetcher would; ``database`` may write token columns."""
    return credential_named(database, config.cipher_key, name, now=lambda: datetime.now(UTC), ca_file=config.ca_file)


PATIENCE_SECONDS = 20.0
"""How long a fetcher that has a POP3 mailbox open is waited for."""


def targets(config: Config, snapshot: Snapshot) -> Iterator[Target | Numbered | Unreachable]:
    """
    Yield what each folder that the fetcher reads holds now, by its server; one that fails stops no other.

    Those are the folders of the settings, Sent, and those that have a rule, as :func:`choose` finds them.
    """
    with closing(Database(config.postgres, "fetcher")) as database:
        for address in fetched(snapshot):
            yield from _of(config, snapshot, snapshot.mailboxes[address], database)


def _of(
    config: Config, snapshot: Snapshot, mailbox: MailboxSettings, database: Database
) -> Iterator[Target | Numbered | Unreachable]:
    left = list(mailbox.folders)
    wanted = wanted_of(snapshot, mailbox.address)
    try:
        profile = snapshot.profile_of(mailbox.address)
        assert profile is not None, "a mailbox without a server is not read"
        login = logins.incoming(mailbox, profile)
        assert login is not None, "a mailbox without a credential is not read"
        credential = credential_of(config, database, login.credential)
        if profile.protocol == "pop3":
            yield _numbered(config, profile, mailbox.address, login, credential)
            return
        ids = folder_rows.read(database, mailbox.address).ids
        with imap.session(server_of(profile, config.ca_file, opens=login.opens), login.user, credential) as opened:
            places = choose(wanted, opened.folders(), ids)
            # In a rule's folder that is not there no mail can lie.
            left = [place.name for place in places if place.folder is not None or not place.tracked_by]
            while left:
                try:
                    selected = opened.select(left[0])
                    yield Target(mailbox.address, left[0], selected.uidvalidity, selected.uidnext)
                except FolderUnknown as error:
                    yield Unreachable(mailbox.address, left[0], str(error))
                del left[0]
    except MailweaveError as error:
        # What was read before the connection broke stands; the rest is not known.
        yield from (Unreachable(mailbox.address, folder, str(error)) for folder in left)


def _numbered(config: Config, profile: ServerProfile, address: str, login: Login, credential: Credential) -> Numbered:
    listed = pop3.listed(server_of(profile, config.ca_file), login.user, credential, patience=PATIENCE_SECONDS)
    ids = [delivery_id_pop3(address, uidl) for uidl, _ in listed.values()]
    return Numbered(address, tuple(dict.fromkeys(ids)))
