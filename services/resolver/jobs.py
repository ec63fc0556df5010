"""The job worker: decides again what depended on something that has changed."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from services.domain.acceptance import Outcome
from services.domain.errors import Retry, Stop
from services.resolver import content_requests, joining, reading, redecisions
from services.resolver.arrivals import Delivered
from services.resolver.contents import contents
from services.resolver.deciding import decide_all
from services.resolver.settings import Settings
from services.runtime.crash import crash_point
from services.storage.blobs import BlobFolder
from services.storage.postgres import Database

log = logging.getLogger(__name__)

MESSAGES_AT_ONCE = 200
IDLE_SECONDS = 0.25
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """
    Messages to be decided again, and what made it necessary.

    ``named`` are those that the change itself has outrun. ``xact`` is the transaction of the change. With a
    ``redecision`` a person has asked for it.
    """

    id: int
    affected: list[UUID]
    named: list[UUID]
    cause: str
    xact: str
    redecision: UUID | None = None


class JobWorker:
    """
    Takes jobs oldest first, any number of workers at once, never inside a consumer's batch; what people have asked for
    waits until nothing else does.

    A job is deleted in the transaction that carries it out, so a killed worker's job is done by another. It ends,
    because an outcome equal to the current one writes nothing and enqueues nothing.
    """

    def __init__(self, database: Database, blobs: BlobFolder, settings: Callable[[], Settings]) -> None:
        """``settings`` returns the settings in force at the moment."""
        self._database = database
        self._blobs = blobs
        self._settings = settings

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; when the world fails, wait and go on. ``Stop`` passes."""
        while not stop.is_set():
            try:
                worked = self.step()
            except Retry as error:
                log.warning("jobs wait: %s", error)
                stop.wait(RETRY_SECONDS)
                continue
            if not worked:
                stop.wait(IDLE_SECONDS)

    def step(self) -> bool:
        """Carry out one job; return whether there was one. A job that fails by its own fault is put off, not lost."""
        job: Job | None = None
        try:
            with self._database.transaction() as connection:
                job = _next(connection)
                if job is None:
                    return content_requests.give_up(connection)
                self._carry_out(connection, job)
                crash_point("resolver.job")
        except (Retry, Stop):
            raise
        except Exception:
            if job is None:
                raise
            log.exception("a job failed and is put off")
            self._put_off(job)
        return True

    def _carry_out(self, connection: psycopg.Connection[Any], job: Job) -> None:
        now, later = job.affected[:MESSAGES_AT_ONCE], job.affected[MESSAGES_AT_ONCE:]
        settings, asked = self._settings(), frozenset[UUID]()
        if job.redecision is not None:
            asked, version = redecisions.among(connection, now, job.redecision)
            if settings.policy.version < version:
                _delay(connection, job)
                return
        _add(connection, [later] if later else [], job)
        if now and job.cause == joining.CAUSE:
            joining.join(connection, now, folder_wins=settings.policy.folder_wins)
        elif now:
            # Locked before the deliveries are read: a decision in flight commits first and is seen.
            reading.lock(connection, now)
            # Parsing large mails takes its time between two statements.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = '15min'")
            if asked and job.redecision is not None:
                redecisions.redecide(connection, sorted(asked), self._blobs, settings, job.redecision)
            rest = [key for key in now if key not in asked]
            items, without = contents(_again(connection, rest, job), self._blobs)
            decide_all(
                connection,
                items,
                settings,
                cause=job.cause,
                undecided_only=False,
                without_content=content_requests.ask(connection, without, cause=job.cause),
            )
        connection.execute("DELETE FROM resolver.job WHERE id = %s", (job.id,))

    def _put_off(self, job: Job) -> None:
        """Give each message a job of its own, so that one cannot hold up the others; a single one waits longer."""
        with self._database.transaction() as connection:
            if len(job.affected) > 1:
                _add(connection, [[key] for key in job.affected], job)
                connection.execute("DELETE FROM resolver.job WHERE id = %s", (job.id,))
            else:
                connection.execute(
                    "UPDATE resolver.job SET attempts = attempts + 1,"
                    " due = now() + %s * interval '1 second' * 2 ^ least(attempts, 10) WHERE id = %s",
                    (RETRY_SECONDS, job.id),
                )


def _again(connection: psycopg.Connection[Any], keys: list[UUID], job: Job) -> list[Delivered]:
    """
    Return the deliveries of these messages that are decided again.

    One without a decision is about to be decided, and will see what has changed.
    """
    rows = connection.execute(
        "SELECT x.delivery_id FROM resolver.delivery d JOIN resolver.decision x ON x.delivery_id = d.id AND x.current"
        " WHERE d.message_key = ANY(%b) AND x.outcome <> ALL(%s)"
        # A transaction is not among those that its own snapshot calls unfinished, so its own decisions are told apart.
        " AND CASE WHEN x.xact = %s::xid8 THEN d.message_key = ANY(%b) ELSE NOT resolver.saw(x.seen, %s::xid8) END",
        (keys, [Outcome.DUPLICATE, Outcome.TOO_LARGE], job.xact, job.named, job.xact),
    )
    behind = {delivery_id for (delivery_id,) in rows}
    if not behind:
        return []
    return [
        delivered
        for group in reading.deliveries(connection, keys).values()
        for delivered in group.values()
        if delivered.delivery_id in behind
    ]


def _next(connection: psycopg.Connection[Any]) -> Job | None:
    row = connection.execute(
        "SELECT id, targets, messages, roots, above, cause, xact::text, redecision FROM resolver.job"
        " WHERE due <= now() ORDER BY redecision IS NOT NULL, id LIMIT 1 FOR UPDATE SKIP LOCKED"
    ).fetchone()
    if row is None:
        return None
    number, targets, messages, roots, above, cause, xact, redecision = row
    rows = connection.execute(
        # Inside a circle a change is no reason: that evidence counts for nothing. What is not decided yet may be
        # under decision at this moment, without the change in sight.
        "WITH pointing AS ("
        " SELECT e.child FROM resolver.evidence e WHERE e.target = ANY(%b) AND (NOT EXISTS ("
        "  SELECT FROM resolver.message t WHERE t.id_key = e.target) OR EXISTS ("
        "  SELECT FROM resolver.message t WHERE t.id_key = e.target AND NOT EXISTS ("
        "   SELECT FROM resolver.circling c WHERE c.child = e.child AND c.target = t.message_key)))"
        " UNION SELECT e.child FROM unnest(%b::uuid[], %b::text[]) AS p (root, above)"
        "  JOIN resolver.evidence e ON e.target = p.root AND e.kind = 'thread_index'"
        '  AND e.value COLLATE "C" > p.above'
        ") SELECT p.child FROM pointing p WHERE EXISTS ("
        " SELECT FROM resolver.delivery d LEFT JOIN resolver.decision x ON x.delivery_id = d.id AND x.current"
        " WHERE d.message_key = p.child AND (x.delivery_id IS NULL OR"
        "  NOT resolver.saw(x.seen, %s::xid8) AND x.xact IS DISTINCT FROM %s::xid8))"
        " UNION SELECT unnest(%b::uuid[]) ORDER BY 1",
        (targets, roots, above, xact, xact, messages),
    )
    return Job(number, [key for (key,) in rows], messages, cause, xact, redecision)


def _add(connection: psycopg.Connection[Any], groups: list[list[UUID]], job: Job) -> None:
    for group in groups:
        connection.execute(
            "INSERT INTO resolver.job (targets, messages, cause, redecision) VALUES ('{}', %s, %s, %s)",
            (group, job.cause, job.redecision),
        )


def _delay(connection: psycopg.Connection[Any], job: Job) -> None:
    """Leave a job until the settings have come under which a person wants it to be decided."""
    connection.execute(
        "UPDATE resolver.job SET due = now() + %s * interval '1 second' WHERE id = %s", (RETRY_SECONDS, job.id)
    )
