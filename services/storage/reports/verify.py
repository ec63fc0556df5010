"""Whether the store is whole: every mail taken has its one answer, and what refers to something finds it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import Connection

from services.storage.blobs import BlobFolder
from services.storage.reports.progress import UNANSWERED
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
    {t}.mailbox || ' ' || {t}.folder || CASE WHEN {t}.uid IS NULL THEN ' (imported)' ELSE ' UID ' || {t}.uid END
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
)

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
