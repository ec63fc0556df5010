"""What is still on its way through the pipeline: cursors, deliveries without an answer, jobs, outboxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from services.storage.reports.reading import number, rows

# Only these schemas' owners have an outbox in this version.
OUTBOXES: tuple[LiteralString, ...] = ("settings", "fetcher", "correlator", "resolver", "alerter")
STAGES: tuple[LiteralString, ...] = ("fetcher", "correlator", "resolver", "alerter")  # those with dead letters

# A delivery is answered by a decision, or by a dead letter that waits for a person or that one discarded.
UNANSWERED: LiteralString = """
    NOT EXISTS (SELECT FROM resolver.decision d WHERE d.delivery_id = f.id AND d.current)
    AND NOT EXISTS (SELECT FROM correlator.dead_letter c WHERE c.delivery_id = f.id AND c.state <> 'replayed')
    AND NOT EXISTS (SELECT FROM resolver.dead_letter r WHERE r.delivery_id = f.id AND r.state <> 'replayed')
"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a folder was read; every UID up to ``uid`` has a delivery row or was not there."""

    mailbox: str
    folder: str
    uidvalidity: int
    uid: int
    uidnext: int
    last_error: str | None

    @property
    def backlog(self) -> int:
        """How many UIDs the server had given out beyond the cursor when it was last asked."""
        return max(0, self.uidnext - 1 - self.uid)


@dataclass(frozen=True, slots=True)
class MailboxState:
    """What the fetcher last said about a mailbox."""

    mailbox: str
    last_check: datetime | None
    next_check: datetime | None
    last_error: str | None
    last_error_code: str | None
    error_count: int


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Open dead letters of one topic with one code."""

    topic: str
    code: str
    count: int


def cursors(connection: Connection[Any]) -> list[Cursor]:
    """Return every folder's cursor."""
    query: LiteralString = """SELECT mailbox, folder, uidvalidity, uid, uidnext, last_error
                                FROM fetcher.cursor ORDER BY mailbox, folder"""
    return [Cursor(**row) for row in rows(connection, query)]


def mailboxes(connection: Connection[Any]) -> list[MailboxState]:
    """Return the fetcher's word on every mailbox it ever had in its settings."""
    query: LiteralString = """SELECT mailbox, last_check, next_check, last_error, last_error_code, error_count
                                FROM fetcher.mailbox ORDER BY mailbox"""
    return [MailboxState(**row) for row in rows(connection, query)]


def outboxes(connection: Connection[Any]) -> dict[str, int]:
    """Return the number of rows that wait in each outbox."""
    return {o: number(connection, "SELECT count(*) FROM " + o + ".outbox") for o in OUTBOXES}  # noqa: S608 - a constant


def jobs(connection: Connection[Any]) -> int:
    """Return the number of re-decisions that wait, and of addresses and merged records that may become some."""
    return number(
        connection,
        "SELECT (SELECT count(*) FROM resolver.job) + (SELECT count(*) FROM resolver.gained_address)"
        " + (SELECT count(*) FROM resolver.content_request WHERE answered IS NULL)"
        " + (SELECT count(*) FROM resolver.merged_record)",
    )


def dead_letters(connection: Connection[Any]) -> list[DeadLetters]:
    """Return the open dead letters, counted by topic and code."""
    query: LiteralString = """
        SELECT topic, code, count(*) AS count FROM (
            SELECT topic, code FROM fetcher.dead_letter WHERE state = 'open'
            UNION ALL SELECT topic, code FROM correlator.dead_letter WHERE state = 'open'
            UNION ALL SELECT topic, code FROM resolver.dead_letter WHERE state = 'open'
            UNION ALL SELECT topic, code FROM alerter.dead_letter WHERE state = 'open') AS all_stages
        GROUP BY topic, code ORDER BY topic, code"""
    return [DeadLetters(**row) for row in rows(connection, query)]


def unanswered(connection: Connection[Any], among: Sequence[UUID] | None = None, *, limit: int = 10_000) -> list[UUID]:
    """
    Return deliveries without a current decision or dead letter, at most ``limit``.

    Without ``among`` every delivery is looked at, which takes about a second per million; with it only those,
    so a caller that waits looks at all of them rarely.
    """
    narrow: LiteralString = "f.id = ANY(%(among)s) AND " if among is not None else ""
    query: LiteralString = "SELECT f.id FROM fetcher.delivery f WHERE " + narrow + UNANSWERED + " LIMIT %(limit)s"  # noqa: S608
    return [row["id"] for row in rows(connection, query, {"among": list(among or ()), "limit": limit})]


def untaken(connection: Connection[Any], deliveries: Sequence[UUID]) -> int:
    """Return how many of these deliveries were neither handed over nor passed over yet."""
    return number(
        connection,
        "SELECT count(*) FROM unnest(%(ids)s::uuid[]) w(id) WHERE NOT EXISTS ("
        " SELECT FROM fetcher.delivery d WHERE d.id = w.id UNION ALL SELECT FROM fetcher.passed p WHERE p.id = w.id)",
        {"ids": list(deliveries)},
    )


def unapplied_merges(connection: Connection[Any]) -> int:
    """
    Return how many merges of threads the resolver has not heard of.

    A notice has left the outbox before it is read from the topic; only the two tables tell that it is under
    way. Notices that became dead letters wait for a person and do not count.
    """
    query: LiteralString = """
        SELECT greatest(0, (SELECT count(*) FROM correlator.merge m
                             WHERE NOT EXISTS (SELECT FROM resolver.thread_merge r WHERE r.loser = m.loser))
                         - (SELECT count(*) FROM resolver.dead_letter
                             WHERE topic = 'mail-correlated' AND delivery_id IS NULL AND state <> 'replayed'))"""
    return number(connection, query)


def directory_offsets(connection: Connection[Any]) -> dict[int, int]:
    """Return, per partition of the directory topic, the offset that the resolver applies next."""
    query: LiteralString = 'SELECT "partition", "offset" FROM resolver.directory_progress'
    return {row["partition"]: row["offset"] for row in rows(connection, query)}


def principals_named(connection: Connection[Any], name: str) -> list[tuple[str, str]]:
    """Return type and id of the users and queues in the directory that have this id."""
    query: LiteralString = """SELECT type, id FROM resolver.directory_record
                               WHERE id = %(id)s AND type IN ('user', 'queue') AND NOT deleted ORDER BY type DESC"""
    return [(row["type"], row["id"]) for row in rows(connection, query, {"id": name})]


def overdue(connection: Connection[Any], minutes: int = 15) -> list[UUID]:
    """Return deliveries that have had no answer for so long."""
    late: LiteralString = "f.fetched < now() - %(minutes)s * interval '1 minute' AND "
    query: LiteralString = "SELECT f.id FROM fetcher.delivery f WHERE " + late + UNANSWERED  # noqa: S608 - constants
    return [row["id"] for row in rows(connection, query, {"minutes": minutes})]
