"""Which mailboxes users and queues are to be given, by the settings and their history as they are now."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any

from services.domain.default_mailbox import PrincipalAddresses
from services.domain.directory import RecordRef
from services.settings import publisher, template
from services.storage.postgres import Database


def missing(url: str, principals: Iterable[PrincipalAddresses]) -> tuple[int, dict[str, Any]]:
    """
    Return the mailboxes by their settings keys, and the version at which they are missing.

    To be published with that version as the base: whoever comes first with one of these mailboxes keeps it.
    """
    snapshot = publisher.current(url)
    if template.template_of(snapshot.organization) is None:
        return snapshot.version, {}
    return snapshot.version, template.made(snapshot, principals, _all_there_were(url))


def _all_there_were(url: str) -> dict[str, RecordRef | None]:
    """Return every mailbox that there is or was, by its address, with its last owner."""
    with closing(Database(url, publisher.OWNER)) as database, database.transaction() as connection:
        rows = connection.execute(
            "SELECT DISTINCT ON (key) key, value->'owner'->>'type', value->'owner'->>'id' FROM settings.history"
            " WHERE key LIKE 'mailbox/%' AND value IS NOT NULL ORDER BY key, version DESC"
        ).fetchall()
    return {key.removeprefix("mailbox/"): RecordRef(kind, name) if name else None for key, kind, name in rows}
