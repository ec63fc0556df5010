"""The users and queues of the directory, as the resolver has projected it."""

from typing import Any, LiteralString

from psycopg import Connection

from services.domain.directory import RecordRef
from services.storage.reports.reading import rows


def with_addresses(connection: Connection[Any]) -> dict[RecordRef, list[str]]:
    """Return the addresses of the active users and queues that have any, the older record first."""
    query: LiteralString = """
        SELECT r.type, r.id, array_agg(a.address ORDER BY a.address) AS addresses
          FROM resolver.directory_record r JOIN resolver.directory_address a USING (type, id)
         WHERE r.type IN ('user', 'queue') AND r.active AND NOT r.deleted
         GROUP BY r.type, r.id ORDER BY min(r.ordinal)"""
    return {RecordRef(row["type"], row["id"]): row["addresses"] for row in rows(connection, query)}
