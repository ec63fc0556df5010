"""The server side of ``mailweave verify``: each mailbox's folders against the delivery rows."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial

from services.cli import session
from services.domain.errors import MailweaveError, Refused
from services.fetcher import deliveries, pop3, protocols
from services.fetcher.audit import Audit, Taken, audit, audit_pop3
from services.runtime.config import Config
from services.settings import publisher
from services.storage import credentials
from services.storage.postgres import Database
from services.storage.reports.reading import rows


def audits(config: Config, only: Sequence[str]) -> Iterator[Audit]:
    """Yield every folder of every enabled mailbox, compared; one that cannot be read says why, the others go on."""
    snapshot = publisher.current(config.postgres)
    if unknown := sorted(set(only) - set(snapshot.mailboxes)):
        raise Refused(f"there is no mailbox {unknown[0]!r}. See: mailweave mailbox list.")
    with closing(Database(config.postgres, "fetcher")) as database:
        for address, mailbox in sorted(snapshot.mailboxes.items()):
            if not mailbox.enabled or (only and address not in only):
                continue
            profile = snapshot.profiles[mailbox.server_profile]
            try:
                with database.transaction() as stored:
                    secret = credentials.load(stored, config.cipher_key, mailbox.credential).reveal().decode()
                with protocols.session(profile, mailbox.user, secret, config.ca_file) as connection:
                    if isinstance(connection, pop3.Connection):
                        uidls = [uidl for uidl, _ in connection.listed().values()]
                        yield audit_pop3(address, uidls, partial(deliveries.handled, database))
                    else:
                        yield from audit(connection, address, mailbox.folders, partial(_taken, config))
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
            " AND uidvalidity = %(epoch)s UNION ALL SELECT uid FROM fetcher.passed WHERE mailbox = %(mailbox)s"
            " AND folder_id = %(folder)s AND uidvalidity = %(epoch)s",
            {**given, "epoch": cursor["uidvalidity"]},
        )
    return Taken(uidvalidity=cursor["uidvalidity"], cursor=cursor["uid"], uids=frozenset(row["uid"] for row in uids))
