"""The users and queues of the directory, as the resolver has projected it."""

from collections.abc import Collection
from typing import Any, LiteralString

from psycopg import Connection

from services.domain.directory import RecordRef
from services.storage.reports.reading import rows


def with_addresses(
    connection: Connection[Any], refs: Collection[RecordRef] | None = None
) -> dict[RecordRef, list[str]]:
    """Return the addresses of the active users and queues that have any, or of these, the older record first."""
    query: LiteralString = """
        SELECT r.type, r.id, array_agg(a.address ORDER BY a.address) AS addresses
          FROM resolver.directory_record r JOIN resolver.directory_address a USING (type, id)
         WHERE r.type IN ('user', 'queue') AND r.active AND NOT r.deleted
           AND (%(every)s OR (r.type, r.id) IN (SELECT * FROM unnest(%(types)s::text[], %(ids)s::text[])))
         GROUP BY r.type, r.id ORDER BY min(r.ordinal)"""
    chosen = sorted(refs or ())
    given = {"every": refs is None, "types": [ref.type for ref in chosen], "ids": [ref.id for ref in chosen]}
    return {RecordRef(row["type"], row["id"]): row["addresses"] for row in rows(connection, query, given)}


def arrived(connection: Connection[Any]) -> frozenset[int]:
    """Return the numbers of the records of users and queues that came and were not looked at yet for a mailbox."""
    return frozenset(row["number"] for row in rows(connection, "SELECT number FROM resolver.arrived_principal"))
