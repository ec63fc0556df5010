"""What the settings say of mailboxes, noted beside the checks. A store that is away puts it off, and ends nothing."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from services.domain.approval import Permit
from services.domain.errors import Retry
from services.fetcher import lifecycle, profile_alerts
from services.fetcher.deliveries import OWNER
from services.fetcher.endpoint import presence
from services.settings.permits import polling_of
from services.settings.snapshot import Snapshot
from services.storage.postgres import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settling:
    """Each call has a connection of its own: it comes from whatever thread is free."""

    url: str = field(repr=False)
    now: Callable[[], datetime]

    def settle(self, snapshot: Snapshot) -> None:
        """Bring the states of all mailboxes to what these settings allow, and tell of profiles most of whose fail."""
        permits = {mailbox: polling_of(snapshot, mailbox) for mailbox in snapshot.mailboxes}
        try:
            with closing(Database(self.url, OWNER)) as database:
                lifecycle.settle(database, permits, snapshot.version, self.now())
                presence.watch(database, snapshot, self.now())
                read = {m: snapshot.mailboxes[m].server for m, p in permits.items() if p is Permit.ALLOWED}
                profile_alerts.note(database, read, self.now())
        except Retry as error:
            log.warning("what the settings say of mailboxes is noted a minute later: %s", error)
        except Exception:
            log.exception("what the settings say of mailboxes cannot be noted")

    def behind(self, snapshot: Snapshot) -> list[str]:
        """Return the mailboxes that last failed under older settings."""
        try:
            with closing(Database(self.url, OWNER)) as database:
                return lifecycle.failed_before(database, snapshot.version)
        except Retry as error:
            log.warning("mailboxes that failed under older settings wait for their usual time: %s", error)
            return []
