"""Whether the store is whole: every mail taken has its one answer, and what refers to something finds it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import Connection

from services.storage.blobs import BlobFolder
from services.storage.reports.progress import OUTBOXES, STAGES, UNANSWERED
from services.storage.reports.reading import number, stream


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold, about one object, in words."""

    problem: str
    object: str
    detail: str


@dataclass(frozen=True, slots=True)
class Check:
    """A promise about rows: the query finds those that break it as ``object`` and ``detail``."""

    name: str
    query: LiteralString


_PLACE: LiteralString = """
    {t}.mailbox || ' ' || {t}.folder || coalesce(' UID ' || {t}.uid, ' (' || {t}.source || ')')
"""
_AT_F: LiteralString = _PLACE.replace("{t}", "f")
_AT_V: LiteralString = _PLACE.replace("{t}", "v")

CHECKS = (
    Check(
        "delivery without decision",
        f"""SELECT f.id::text AS object, {_AT_F} || ': no current decision and no dead letter' AS detail
              FROM fetcher.delivery f WHERE {UNANSWERED}""",  # noqa: S608 - put together from constants
    ),
    Check(
        "delivery beyond its cursor",
        f"""SELECT f.id::text AS object, {_AT_F} || ': the cursor stands at ' || c.uid AS detail
              FROM fetcher.delivery f JOIN fetcher.cursor c USING (mailbox, folder_id, uidvalidity)
             WHERE f.uid > c.uid""",  # noqa: S608
    ),
    Check(
        "delivery nobody took",
        f"""SELECT v.id::text AS object, {_AT_V} || ': stored by the resolver, but the fetcher has no row' AS detail
              FROM resolver.delivery v
             WHERE NOT EXISTS (SELECT FROM fetcher.delivery f WHERE f.id = v.id)""",  # noqa: S608
    ),
    Check(
        "accepted without activity",
        f"""SELECT v.id::text AS object, {_AT_V} || ': accepted, but its activity does not exist' AS detail
              FROM resolver.decision d JOIN resolver.delivery v ON v.id = d.delivery_id
             WHERE d.current AND d.outcome = 'accepted'
               AND NOT EXISTS (SELECT FROM resolver.activity a WHERE a.id = d.activity_id)""",  # noqa: S608
    ),
    Check(
        "activity without delivery",
        """SELECT a.id::text AS object, 'no accepted delivery belongs to this activity' AS detail
             FROM resolver.activity a
            WHERE NOT EXISTS (SELECT FROM resolver.decision d JOIN resolver.delivery v ON v.id = d.delivery_id
                               WHERE v.message_key = a.message_key AND d.activity_id = a.id
                                 AND d.current AND d.outcome = 'accepted')""",
    ),
    Check(
        "two activities of one message",
        """SELECT message_key::text AS object, count(*) || ' activities ' || direction AS detail
             FROM resolver.activity GROUP BY message_key, direction HAVING count(*) > 1""",
    ),
    Check(
        "party twice",
        """SELECT activity_id::text AS object, role || ' at position ' || position || ' is there twice' AS detail
             FROM resolver.party GROUP BY activity_id, role, position HAVING count(*) > 1""",
    ),
    Check(
        "party without activity",
        """SELECT DISTINCT p.activity_id::text AS object, 'parties of an activity that does not exist' AS detail
             FROM resolver.party p WHERE NOT EXISTS (SELECT FROM resolver.activity a WHERE a.id = p.activity_id)""",
    ),
    Check(
        "evidence without message",
        """SELECT DISTINCT e.child::text AS object, 'evidence of a message that is not stored' AS detail
             FROM resolver.evidence e
            WHERE NOT EXISTS (SELECT FROM resolver.message m WHERE m.message_key = e.child)""",
    ),
    Check(
        "two open alerts",
        """SELECT object || ' ' || code AS object, count(*) || ' open alerts of one cause' AS detail
             FROM alerter.alert WHERE open GROUP BY object, code, direction HAVING count(*) > 1""",
    ),
    *(
        Check(
            "outbox stuck",
            f"""SELECT '{schema}.outbox ' || id AS object, 'not sent since ' || created::timestamptz(0) AS detail
                  FROM {schema}.outbox WHERE created < now() - interval '1 minute' ORDER BY id LIMIT 1""",  # noqa: S608
        )
        for schema in OUTBOXES
    ),
    *(
        Check(
            "dead letter expired",
            f"""SELECT topic || '/' || partition || '/' || "offset" AS object,
                       code || ': open for longer than its topic keeps it; only this row has it now' AS detail
                  FROM {stage}.dead_letter WHERE state = 'open' AND failed < now() - interval '14 days'""",  # noqa: S608
        )
        for stage in STAGES
    ),
)

_NEW_SECONDS = 86_400

_BLOBS: LiteralString = """
    SELECT id::text AS activity, encode(blob_sha256, 'hex') AS sha256, parse_outcome
      FROM resolver.activity ORDER BY blob_sha256
"""


def counts(connection: Connection[Any]) -> dict[str, int]:
    """Return how many rows of each kind there are to be checked."""
    return {
        "deliveries": number(connection, "SELECT count(*) FROM fetcher.delivery"),
        "decisions": number(connection, "SELECT count(*) FROM resolver.decision WHERE current"),
        "activities": number(connection, "SELECT count(*) FROM resolver.activity"),
        "cursors": number(connection, "SELECT count(*) FROM fetcher.cursor"),
    }


def row_problems(connection: Connection[Any]) -> Iterator[Problem]:
    """Yield every broken promise about rows. Needs a snapshot, else mail that passes by looks broken."""
    for position, check in enumerate(CHECKS):
        for row in stream(connection, f"check_{position}", check.query):
            yield Problem(check.name, row["object"], row["detail"])


def blob_problems(connection: Connection[Any], blobs: BlobFolder) -> Iterator[Problem | str]:
    """
    Read every activity's raw mail and hash it: yield the SHA-256 of each good one, and a problem for others.

    An activity of a mail that was too large to be stored has no blob and is not looked at.
    """
    previous = ""
    for row in stream(connection, "blobs", _BLOBS):
        sha256 = row["sha256"]
        if sha256 is None:
            if row["parse_outcome"] != "too_large":
                yield Problem("blob missing", row["activity"], "the activity names no raw mail")
            continue
        if not blobs.exists(sha256):
            yield Problem("blob missing", row["activity"], f"the raw mail {sha256} is not in the blob folder")
        elif sha256 != previous and not blobs.verify(sha256):
            yield Problem("blob damaged", row["activity"], f"the raw mail {sha256} does not hash to its name")
        elif sha256 != previous:
            yield sha256
        previous = sha256


_NAMED: LiteralString = """
    SELECT encode(sha256, 'hex') AS sha256, min(id::text) AS delivery, bool_and(d.delivery_id IS NOT NULL) AS known
      FROM (SELECT blob_sha256 AS sha256, id FROM fetcher.delivery WHERE blob_sha256 IS NOT NULL
             UNION ALL SELECT wrapper_sha256, id FROM fetcher.delivery WHERE wrapper_sha256 IS NOT NULL) AS named
      LEFT JOIN resolver.decision d ON d.delivery_id = named.id AND d.current AND d.outcome = 'ContentGone'
     GROUP BY named.sha256 ORDER BY named.sha256
"""


def reference_problems(connection: Connection[Any], blobs: BlobFolder, *, now: float) -> Iterator[Problem]:
    """
    Yield raw mails that no delivery names, and names that no raw mail has. Needs a snapshot older than the listing.

    A raw mail is stored before the row that names it, so one younger than a day is nothing to wonder about. One that is
    gone, as the decision of each delivery that names it says, is known already.
    """
    named = stream(connection, "named", _NAMED)
    row = next(named, None)
    for sha256 in blobs.all():
        while row is not None and row["sha256"] < sha256:
            yield from _lost(row, blobs)
            row = next(named, None)
        if row is not None and row["sha256"] == sha256:
            row = next(named, None)
        elif now - blobs.path(sha256).stat().st_mtime > _NEW_SECONDS:
            yield Problem("blob without reference", sha256, "no delivery names this raw mail")
    while row is not None:
        yield from _lost(row, blobs)
        row = next(named, None)


def _lost(row: dict[str, Any], blobs: BlobFolder) -> Iterator[Problem]:
    if not row["known"] and not blobs.exists(row["sha256"]):
        yield Problem("reference without blob", row["delivery"], f"the raw mail {row['sha256']} is not there")
