"""Records that a CRM has merged: what named the one names the other from then on, of whatever age."""

import logging
import threading
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from services.domain.errors import Retry
from services.resolver import awaiting, reading
from services.resolver.jobs import IDLE_SECONDS, MESSAGES_AT_ONCE, RETRY_SECONDS
from services.resolver.writing import announce
from services.storage.postgres import Database

Connection = psycopg.Connection[Any]
log = logging.getLogger(__name__)

_NAMING = """
    SELECT a.message_key, a.id FROM resolver.taking_part t JOIN resolver.activity a ON a.id = t.activity_id
    WHERE t.type = %(type)b AND t.id = %(loser)b
    UNION
    SELECT r.message_key, r.activity_id FROM resolver.regarding r
    WHERE r.type = %(type)b AND r.id = %(loser)b AND r.until IS NULL
    UNION
    SELECT r.message_key, r.activity_id FROM resolver.regarding r
    WHERE r.type = %(type)b AND r.id = %(loser)b AND r.until IS NOT NULL
    ORDER BY 1 LIMIT %(most)b
"""
_PARTIES = """
    UPDATE resolver.party p SET records = (
        SELECT jsonb_agg(named.ref ORDER BY named.place) FROM (
            SELECT CASE WHEN e.ref = %(loser)b THEN %(survivor)b::jsonb ELSE e.ref END AS ref, min(e.place) AS place
            FROM jsonb_array_elements(p.records) WITH ORDINALITY AS e (ref, place) GROUP BY 1) AS named)
    WHERE p.activity_id = ANY (%(activities)b) AND p.records @> %(one)b RETURNING p.activity_id
"""
# Where an activity hangs off both, that of the survivor stays.
_BOTH = """
    UPDATE resolver.regarding r SET until = now(), ended = 'merged'
    WHERE r.activity_id = ANY (%(activities)b) AND r.type = %(type)b AND r.id = %(loser)b AND r.until IS NULL
      AND EXISTS (
        SELECT FROM resolver.regarding s
        WHERE s.activity_id = r.activity_id AND s.type = r.type AND s.id = %(survivor)b AND s.until IS NULL)
    RETURNING r.activity_id
"""
_REGARDING = """
    UPDATE resolver.regarding SET id = %(survivor)b
    WHERE activity_id = ANY (%(activities)b) AND type = %(type)b AND id = %(loser)b RETURNING activity_id, until IS NULL
"""
_FIRST = """
    UPDATE resolver.activity a SET regarding_type = r.type, regarding_id = r.id, regarding_source = r.source
    FROM (SELECT DISTINCT ON (activity_id) activity_id, type, id, source FROM resolver.regarding
          WHERE activity_id = ANY (%(activities)b) AND until IS NULL ORDER BY activity_id, position) r
    WHERE a.id = r.activity_id AND (a.regarding_type, a.regarding_id) IS DISTINCT FROM (r.type, r.id)
"""


class Merging:
    """
    Takes merged records in the order in which they came, and some activities of one of them at a time.

    A record is forgotten when nothing names it any more, so a killed worker's is taken by another.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; when the world fails, wait and go on. ``Stop`` passes."""
        while not stop.is_set():
            try:
                worked = self.step()
            except Retry as error:
                log.warning("merged records wait: %s", error)
                stop.wait(RETRY_SECONDS)
                continue
            if not worked:
                stop.wait(IDLE_SECONDS)

    def step(self) -> bool:
        """Let some activities name the other record, by one event each; return whether there was a merged record."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT number, type, id FROM resolver.merged_record ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED"
            ).fetchone()
            if row is None:
                return False
            number, kind, loser = row
            awaiting.wait_for_decisions(connection)
            survivor = _survivor(connection, kind, loser)
            if survivor is None or not _rename(connection, kind, loser, survivor):
                connection.execute("DELETE FROM resolver.merged_record WHERE number = %s", (number,))
        return True


def _survivor(connection: Connection, kind: str, name: str) -> str | None:
    """Return what the record has become by now, through every merge since; None when it is itself again."""
    met = [name]
    while True:
        row = connection.execute(
            "SELECT merged_into FROM resolver.directory_record WHERE type = %s AND id = %s", (kind, met[-1])
        ).fetchone()
        if row is None or row[0] is None or row[0] in met:
            return met[-1] if len(met) > 1 else None
        met.append(row[0])


def _rename(connection: Connection, kind: str, loser: str, survivor: str) -> int:
    """Change some activities that name the record; return how many there were."""
    old, new = {"type": kind, "id": loser}, {"type": kind, "id": survivor}
    given: dict[str, Any] = {"one": Jsonb([old]), "type": kind, "loser": loser, "most": MESSAGES_AT_ONCE}
    found: list[tuple[UUID, UUID]] = connection.execute(_NAMING, given).fetchall()
    if not found:
        return 0
    reading.lock(connection, {message_key for message_key, _ in found})
    activities = sorted(activity for _, activity in found)
    parties = connection.execute(
        _PARTIES, {"loser": Jsonb(old), "survivor": Jsonb(new), "activities": activities, "one": Jsonb([old])}
    )
    changed = {activity: {"parties"} for (activity,) in parties}
    given |= {"survivor": survivor, "activities": activities}
    both = connection.execute(_BOTH, given).fetchall()
    renamed = connection.execute(_REGARDING, given).fetchall()
    for activity in {*(one for (one,) in both), *(one for one, now in renamed if now)}:
        changed.setdefault(activity, set()).add("regarding")
    connection.execute(_FIRST, {"activities": activities})
    for reasons in ({"parties"}, {"regarding"}, {"parties", "regarding"}):
        announce(connection, [one for one, why in changed.items() if why == reasons], *sorted(reasons))
    return len(found)
