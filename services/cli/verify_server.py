"""The server side of ``mailweave verify``: each mailbox's folders against the delivery rows."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial

from services.cli import session
from services.cli.servers import PATIENCE_SECONDS, credential_of
from services.domain.errors import MailweaveError, Refused
from services.fetcher import deliveries, folder_rows, imap, pop3
from services.fetcher.audit import Audit, Taken, audit, audit_pop3
from services.fetcher.choosing import choose, wanted_of
from services.fetcher.protocols import server_of
from services.runtime.config import Config
from services.settings import publisher
from services.settings.objects import logins
from services.settings.permits import left_to_routers, readable
from services.storage.postgres import Database
from services.storage.reports.reading import rows


def audits(config: Config, only: Sequence[str]) -> Iterator[Audit]:
    """Yield every folder of the mailboxes that may be read, compared; one that fails says why, the others go on."""
    snapshot = publisher.current(config.postgres)
    if unknown := sorted(set(only) - set(snapshot.mailboxes)):
        raise Refused(f"there is no mailbox {unknown[0]!r}. See: mailweave mailbox list.")
    if left_to_routers(snapshot):
        raise Refused(
            "the mailboxes are left to routers (processing.engine), so their servers are not asked from here: leave"
            " --server out."
        )
    with closing(Database(config.postgres, "fetcher")) as database:
        for address in sorted(readable(snapshot)):
            if only and address not in only:
                continue
            mailbox = snapshot.mailboxes[address]
            profile = snapshot.profile_of(address)
            assert profile is not None, "a mailbox without a server is not read"
            try:
                login = logins.incoming(mailbox, profile)
                assert login is not None, "a mailbox without a credential is not read"
                credential = credential_of(config, database, login.credential)
                server = server_of(profile, config.ca_file, opens=login.opens)
                if profile.protocol == "pop3":
                    listed = pop3.listed(server, login.user, credential, patience=PATIENCE_SECONDS).values()
                    known = partial(deliveries.handled, database, mailboxes=[address])
                    yield audit_pop3(address, [uidl for uidl, _ in listed], known)
                    continue
                with imap.session(server, login.user, credential) as connection:
                    ids = folder_rows.read(database, address).ids
                    places = choose(wanted_of(snapshot, address), connection.folders(), ids)
                    yield from audit(connection, address, [place.name for place in places], partial(_taken, config))
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
