"""Late resolution: an address that a record gains, or a person has named, is looked up again in all stored mail."""

import logging
import threading
from collections.abc import Callable

from services.domain.errors import Retry
from services.resolver import awaiting, resolutions
from services.resolver.jobs import IDLE_SECONDS, MESSAGES_AT_ONCE, RETRY_SECONDS
from services.resolver.settings import Settings
from services.storage.postgres import Database

log = logging.getLogger(__name__)

ADDRESSES_AT_ONCE = 5_000


class LateResolution:
    """
    Takes gained addresses in the order in which they came, any number of workers at once.

    They are forgotten in the transaction that leaves the jobs, so a killed worker's are taken by another.
    """

    def __init__(self, database: Database, settings: Callable[[], Settings]) -> None:
        """``settings`` returns the settings in force at the moment."""
        self._database = database
        self._settings = settings

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; when the world fails, wait and go on. ``Stop`` passes."""
        while not stop.is_set():
            try:
                worked = self.step()
            except Retry as error:
                log.warning("gained addresses wait: %s", error)
                stop.wait(RETRY_SECONDS)
                continue
            if not worked:
                stop.wait(IDLE_SECONDS)

    def step(self) -> bool:
        """Leave the jobs for some gained addresses; return whether there were any."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT number, address, resolution FROM resolver.gained_address ORDER BY number LIMIT %s"
                " FOR UPDATE SKIP LOCKED",
                (ADDRESSES_AT_ONCE,),
            ).fetchall()
            if not rows:
                return False
            hash_key = self._settings().hash_key
            gained = [address for _, address, said in rows if said is None]
            if gained:
                awaiting.leave_jobs(connection, gained, hash_key, piece=MESSAGES_AT_ONCE)
            words = [(address, said) for _, address, said in rows if said is not None]
            if words:
                addresses, said = [a for a, _ in words if a is not None], [one for _, one in words]
                awaiting.leave_jobs(
                    connection, addresses, hash_key, piece=MESSAGES_AT_ONCE, said=said, cause=resolutions.CAUSE
                )
            connection.execute(
                "DELETE FROM resolver.gained_address WHERE number = ANY (%b)", ([row[0] for row in rows],)
            )
        return True
