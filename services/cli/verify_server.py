"""The server side of ``mailweave verify``: each mailbox's folders against the delivery rows."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial

from services.cli import session
from services.domain.errors import MailweaveError, Refused
from services.fetcher.audit import Audit, Taken, audit
from services.fetcher.imap import session as imap_session
from services.fetcher.probing import server_of
from services.runtime.config import Config
from services.settings import publisher
from services.settings.permits import readable
from services.storage import credentials
from services.storage.postgres import Database
from services.storage.reports.reading import rows


def audits(config: Config, only: Sequence[str]) -> Iterator[Audit]:
    """Yield every folder of the mailboxes that may be read, compared; one that fails says why, the others go on."""
    snapshot = publisher.current(config.postgres)
    if unknown := sorted(set(only) - set(snapshot.mailboxes)):
        raise Refused(f"there is no mailbox {unknown[0]!r}. See: mailweave mailbox list.")
    with closing(Database(config.postgres, "fetcher")) as database:
        for address in sorted(readable(snapshot)):
            if only and address not in only:
                continue
            mailbox = snapshot.mailboxes[address]
            server = server_of(snapshot.profiles[mailbox.server_profile], config.ca_file)
            try:
                with database.transaction() as connection:
                    secret = credentials.load(connection, config.cipher_key, mailbox.credential).reveal().decode()
                with imap_session(server, mailbox.user, secret) as imap:
                    yield from audit(imap, address, mailbox.folders, partial(_taken, config))
            except MailweaveError as error:
                yield Audit(mailbox=address, folder="*", on_server=0, error=str(error))


def _taken(config: Config, mailbox: str, folder_id: str) -> Taken | None:
    given = {"mailbox": mailbox, "folder": folder_id}
    with session.reading(config) as connection:
        found = rows(
            connection,
            "SELECT uidvalidity, uid FROM fetcher.cursor WHERE mailbox = %(mailbox)s AND folder_id = %(folder)s",
            given,
        )
        if not found:
            return None
        (cursor,) = found
        uids = rows(
            connection,
            "SELECT uid FROM fetcher.delivery WHERE mailbox = %(mailbox)s AND folder_id = %(folder)s"
            " AND uidvalidity = %(epoch)s",
            {**given, "epoch": cursor["uidvalidity"]},
        )
    return Taken(uidvalidity=cursor["uidvalidity"], cursor=cursor["uid"], uids=frozenset(row["uid"] for row in uids))
