"""The addresses of directory records: what a change adds and takes away, and what late resolution is told of it."""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import psycopg

from services.storage.inserting import upsert

Connection = psycopg.Connection[Any]
Key = tuple[str, str]
"""Type and id of a record."""

_COLUMNS = ("address", "type", "id")
_INACTIVE = """
    SELECT type, id FROM resolver.directory_record r
    JOIN unnest(%b::text[], %b::text[]) AS w (type, id) USING (type, id)
    WHERE NOT r.active AND NOT r.deleted
"""
_HAD = """
    SELECT a.address, type, id FROM resolver.directory_address a
    JOIN unnest(%b::text[], %b::text[]) AS w (type, id) USING (type, id)
"""


def inactive(connection: Connection, records: Collection[Key]) -> frozenset[Key]:
    """Return which of these records are there without being active."""
    return frozenset(connection.execute(_INACTIVE, _columns(records)).fetchall())


def replace(connection: Connection, written: Mapping[Key, AbstractSet[str]], revived: AbstractSet[Key]) -> None:
    """
    Give the records that were written their addresses; to be called while their rows are locked.

    An address that a record gains, and each one of a record that is ``revived``, is noted for late resolution in the
    same transaction. An address that is lost is noted for nothing: the past stays.
    """
    old = set(connection.execute(_HAD, _columns(written)).fetchall())
    new = {(address, *key) for key, addresses in written.items() for address in addresses}
    lost = old - new
    if lost:
        connection.execute(
            "DELETE FROM resolver.directory_address a USING unnest(%b::text[], %b::text[], %b::text[])"
            " AS w (address, type, id) WHERE (a.address, a.type, a.id) = (w.address, w.type, w.id)",
            _columns(lost),
        )
    added = new - old
    upsert(connection, "resolver.directory_address", _COLUMNS, added, key=_COLUMNS)
    gained = {one[0] for one in new if one in added or one[1:] in revived}
    if gained:
        connection.execute("INSERT INTO resolver.gained_address (address) SELECT unnest(%b::text[])", (sorted(gained),))


def _columns(rows: Collection[tuple[str, ...]]) -> list[list[str]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[], []]
