"""Records of the directory, as the resolver has projected them."""

from collections.abc import Mapping
from typing import Any, LiteralString

from psycopg import Connection

from services.storage.reports.reading import rows


def record(connection: Connection[Any], kind: str, name: str) -> Mapping[str, Any] | None:
    """Return a record that is not removed in the form of the topic, its addresses normalised; None: there is none."""
    query: LiteralString = """
        SELECT type, id, name, owner_type, owner_id, active,
               (SELECT coalesce(array_agg(a.address ORDER BY a.address), '{}') FROM resolver.directory_address a
                 WHERE (a.type, a.id) = (r.type, r.id)) AS addresses
          FROM resolver.directory_record r WHERE type = %(type)s AND id = %(id)s AND NOT deleted"""
    for row in rows(connection, query, {"type": kind, "id": name}):
        owner = {"type": row["owner_type"], "id": row["owner_id"]} if row["owner_type"] else None
        kept = {one: row[one] for one in ("type", "id", "name", "addresses", "active")}
        return {**kept, "owner": owner, "deleted": False, "merged_into": None}
    return None
