"""The activities of one record, the newest first, however many it has: two walks along an index that end early."""

from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from services.domain.directory import RecordRef
from services.storage.reports.reading import rows

OF_RECORD: LiteralString = """
    WITH found AS (
        (SELECT activity_id AS id, sent_at FROM resolver.taking_part
          WHERE type = %(type)s AND id = %(id)s ORDER BY sent_at DESC, activity_id DESC LIMIT %(limit)s)
        UNION
        (SELECT activity_id, sent_at FROM resolver.regarding
          WHERE type = %(type)s AND id = %(id)s AND until IS NULL
          ORDER BY sent_at DESC, activity_id DESC LIMIT %(limit)s)
    )
    SELECT id FROM found ORDER BY sent_at DESC, id DESC LIMIT %(limit)s
"""


def of_record(connection: Connection[Any], record: RecordRef, limit: int) -> list[UUID]:
    """
    Return the ids of the newest activities in which a record takes part or which regard it.

    Those whose mail has no date come last.
    """
    given = {"type": record.type, "id": record.id, "limit": limit}
    return [row["id"] for row in rows(connection, OF_RECORD, given)]
