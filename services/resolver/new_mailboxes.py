"""Gives users and queues whose record came a mailbox by the defaults of the organisation, where they have none."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from psycopg import Connection

from services.domain.default_mailbox import PrincipalAddresses
from services.domain.directory import RecordRef
from services.domain.errors import Refused, Retry
from services.runtime import backoff
from services.settings import publisher
from services.settings.missing_mailboxes import missing
from services.storage.postgres import Database
from services.storage.reports import principals

log = logging.getLogger(__name__)

AT_ONCE = 500
IDLE_SECONDS = 0.25


class NewMailboxes:
    """
    Takes those who came in the order in which they did; of all replicas one works at a time.

    They are forgotten only after their mailboxes are in the settings' history. Killed in between they are looked at
    again, and own a mailbox by then; one that a person has removed meanwhile does not come back.
    """

    def __init__(self, database: Database, postgres: str, *, published: Callable[[], None]) -> None:
        """``published`` is called when mailboxes were committed to the outbox of the settings."""
        self._database = database
        self._postgres = postgres
        self._published = published

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; when the world fails, or somebody else changes the settings, try again."""
        waits = backoff.pauses()
        while not stop.is_set():
            try:
                worked = self.step()
            except (Retry, Refused) as error:
                log.warning("new users and queues wait for their mailboxes: %s", error)
                stop.wait(next(waits))
                continue
            waits = backoff.pauses()
            if not worked:
                stop.wait(IDLE_SECONDS)

    def step(self) -> bool:
        """Look at some who came; return whether there was anybody. ``Refused`` when the settings change meanwhile."""
        with self._database.locked("arrived principals") as connection:
            rows = _first(connection) if connection is not None else []
            if connection is None or not rows:
                return False
            found = principals.with_addresses(connection, {RecordRef(kind, name) for _, kind, name in rows})
            given = self._give([PrincipalAddresses(ref, addresses) for ref, addresses in found.items()])
            connection.execute(
                "DELETE FROM resolver.arrived_principal WHERE number = ANY(%s)", ([number for number, _, _ in rows],)
            )
        if given:
            log.info("mailboxes made by the defaults: %d", given)
            self._published()
        return True

    def _give(self, arrived: list[PrincipalAddresses]) -> int:
        version, changes = missing(self._postgres, arrived)
        if changes:
            publisher.publish(
                self._postgres, changes, author="resolver", reason="came by the directory", base_version=version
            )
        return len(changes)


def _first(connection: Connection[Any]) -> list[tuple[int, str, str]]:
    return connection.execute(
        "SELECT number, type, id FROM resolver.arrived_principal ORDER BY number LIMIT %s", (AT_ONCE,)
    ).fetchall()
