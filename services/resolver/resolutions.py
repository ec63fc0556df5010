"""Carries out what people say of addresses, and take back: each command in one transaction; jobs follow from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from services.domain.directory import RecordRef
from services.domain.spoken import applies_to_all
from services.resolver import reading, words
from services.resolver.settings import Settings

Connection = psycopg.Connection[Any]

CAUSE = "resolution"
NO_ACTIVITY = "there is no activity of this id, or no longer"
NOBODY = "nobody in this activity has the address"
RESOLVED = "somebody is behind the address in this activity: take that back first, if a person has said it"
NO_RECORD = "the directory has no such record"
SAID = "another record is named for the address in all mail: take that back first, or say it of this mail only"
UNSAID = "no person has said who this is, or it is taken back"

# Two words about one address, said at the same time of two mails, must not both count for all.
_LOCK = "LOCK TABLE resolver.resolution IN SHARE ROW EXCLUSIVE MODE"
_BEGUN = """
INSERT INTO resolver.resolution (id, kind, activity_id, address, record_type, record_id, author, reason, asked)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING true"""
_WAITING = "INSERT INTO resolver.gained_address (address, resolution) VALUES (%s, %s)"
_JOB = "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', %s, %s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One command; ``record`` is None where something is taken back."""

    command: UUID
    kind: str
    activity: UUID
    address: str
    record: RecordRef | None
    only_this: bool
    author: str
    reason: str
    asked: datetime


class _RefusedError(Exception):
    """The command makes no sense as things stand; the text says why."""


def carry_out_one(connection: Connection, wish: Wish, settings: Settings) -> bool:
    """
    Carry out one command; one that came before changes nothing. What is refused is kept with the reason.

    Returns whether anything is told at once: never, it follows by jobs.
    """
    connection.execute(_LOCK)
    record = wish.record or RecordRef("", "")
    row = (
        wish.command, wish.kind, wish.activity, wish.address, record.type or None, record.id or None, wish.author,
        wish.reason, wish.asked,
    )  # fmt: skip
    if connection.execute(_BEGUN, row).fetchone() is None:
        return False
    try:
        message = _message(connection, wish)
        HOW[wish.kind](connection, wish, message, settings)
    except _RefusedError as refusal:
        connection.execute("UPDATE resolver.resolution SET refused = %s WHERE id = %s", (str(refusal), wish.command))
    return False


def _message(connection: Connection, wish: Wish) -> UUID:
    """Return the message of the activity, locked: a decision in flight is committed before anything is read of it."""
    found = connection.execute("SELECT message_key FROM resolver.activity WHERE id = %s", (wish.activity,)).fetchone()
    if found is None:
        raise _RefusedError(NO_ACTIVITY)
    (message,) = found
    reading.lock(connection, [message])
    connection.execute("UPDATE resolver.resolution SET message_key = %s WHERE id = %s", (message, wish.command))
    return UUID(str(message))


def _resolve(connection: Connection, wish: Wish, message: UUID, settings: Settings) -> None:
    assert wish.record is not None
    named = connection.execute(
        "SELECT records = '[]' FROM resolver.party WHERE activity_id = %s AND address = %s AND role <> 'owner'",
        (wish.activity, wish.address),
    ).fetchall()
    if not named:
        raise _RefusedError(NOBODY)
    if not any(unresolved for (unresolved,) in named):
        raise _RefusedError(RESOLVED)
    there = connection.execute(
        "SELECT true FROM resolver.directory_record WHERE type = %s AND id = %s AND NOT deleted",
        (wish.record.type, wish.record.id),
    ).fetchone()
    if there is None:
        raise _RefusedError(NO_RECORD)
    everywhere = applies_to_all(
        only_this=wish.only_this,
        apply_to_all=settings.policy.apply_to_all,
        unresolve_on_multiple=settings.policy.unresolve_on_multiple,
    )
    if everywhere:
        said = connection.execute(
            "SELECT true FROM resolver.resolution"
            " WHERE address = %s AND everywhere AND refused = '' AND taken_back IS NULL",
            (wish.address,),
        ).fetchone()
        if said is not None:
            raise _RefusedError(SAID)
        connection.execute("UPDATE resolver.resolution SET everywhere = true WHERE id = %s", (wish.command,))
        connection.execute(_WAITING, (wish.address, wish.command))
    words.keep(connection, [(message, wish.command)])
    connection.execute(_JOB, ([message], CAUSE))


def _unresolve(connection: Connection, wish: Wish, message: UUID, settings: Settings) -> None:  # noqa: ARG001
    found = connection.execute(
        "UPDATE resolver.resolution SET taken_back = %s WHERE taken_back IS NULL AND address = %s AND id IN"
        " (SELECT resolution FROM resolver.chosen WHERE message_key = %s) RETURNING id",
        (wish.command, wish.address, message),
    ).fetchall()
    if not found:
        raise _RefusedError(UNSAID)
    for (said,) in found:
        connection.execute(_WAITING, (None, said))


HOW: Mapping[str, Callable[[Connection, Wish, UUID, Settings], None]] = {
    "resolve": _resolve,
    "unresolve": _unresolve,
}
"""The commands about who somebody is, and how each is carried out."""
