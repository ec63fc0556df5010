"""Where mailboxes stand, and how they came there, as the fetcher has written it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from services.domain.identity import Direction
from services.storage.reports.reading import rows


@dataclass(frozen=True, slots=True)
class Standing:
    """One direction of a mailbox. ``tested`` is when its last test ended, None when none has."""

    mailbox: str
    phase: str
    reason: str
    cause: str
    since: datetime
    attempts: int
    settings_version: int
    test_result: str
    test_detail: str
    tested: datetime | None


@dataclass(frozen=True, slots=True)
class Transition:
    """One step in the life of a mailbox."""

    direction: str
    time: datetime
    from_phase: str
    to_phase: str
    reason: str
    cause: str
    settings_version: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command; ``refused`` says why nothing did."""

    applied: datetime
    refused: str


def incoming(connection: Connection[Any]) -> dict[str, Standing]:
    """Return where the incoming direction of each mailbox stands that the fetcher has seen."""
    return _standings(connection, Direction.INCOMING)


def outgoing(connection: Connection[Any]) -> dict[str, Standing]:
    """Return where the outgoing direction of each mailbox stands that the fetcher has seen."""
    return _standings(connection, Direction.OUTGOING)


def _standings(connection: Connection[Any], direction: Direction) -> dict[str, Standing]:
    query: LiteralString = """
        SELECT mailbox, phase, reason, cause, since, attempts, settings_version, test_result, test_detail, tested
          FROM fetcher.mailbox_state WHERE direction = %(direction)s ORDER BY mailbox"""
    return {row["mailbox"]: Standing(**row) for row in rows(connection, query, {"direction": direction})}


def transitions(connection: Connection[Any], mailbox: str, limit: int) -> list[Transition]:
    """Return the last steps of a mailbox in either direction, newest first."""
    query: LiteralString = """
        SELECT direction, time, from_phase, to_phase, reason, cause, settings_version FROM fetcher.mailbox_transition
         WHERE mailbox = %(mailbox)s ORDER BY id DESC LIMIT %(limit)s"""
    return [Transition(**row) for row in rows(connection, query, {"mailbox": mailbox, "limit": limit})]


def answers(connection: Connection[Any], commands: Sequence[UUID]) -> dict[UUID, Answer]:
    """Return what became of those commands that the fetcher has taken."""
    query: LiteralString = "SELECT id, applied, refused FROM fetcher.command WHERE id = ANY(%(ids)s)"
    found = rows(connection, query, {"ids": list(commands)})
    return {row["id"]: Answer(row["applied"], row["refused"]) for row in found}
