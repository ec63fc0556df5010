"""A person files an activity under a record, or takes it away from one: by hand, with a reason, and for good."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from services.domain.directory import RecordRef
from services.domain.regardings import Regarding, Source, Spoken, with_manual, without
from services.resolver import reading, regardings
from services.resolver.changes import Filing
from services.resolver.deciding import note_changed
from services.resolver.ledger import Filed
from services.resolver.settings import Settings
from services.resolver.writing import announce, leave_jobs

Connection = psycopg.Connection[Any]

ADD, REMOVE = "add-regarding", "remove-regarding"
KINDS = (ADD, REMOVE)

_BEGUN = """
INSERT INTO resolver.command (id, kind, author, reason, asked) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING true"""
_ENDED = "UPDATE resolver.command SET refused = %s, outcome = %s WHERE id = %s"
# A mail that came under two ids is named by either, or by the activity that has ended in the other.
_ABOUT = """
SELECT message_key, id FROM resolver.activity WHERE id = %(activity)s::uuid
UNION
SELECT a.message_key, a.id FROM resolver.message m JOIN resolver.activity a USING (message_key)
WHERE m.id_key = %(message)s::uuid
UNION
SELECT a.message_key, a.id FROM resolver.message m JOIN resolver.joined j USING (message_key)
JOIN resolver.activity a ON a.message_key = j.elder AND a.direction = j.direction WHERE m.id_key = %(message)s::uuid
UNION
SELECT a.message_key, a.id FROM resolver.joined j
JOIN resolver.activity a ON a.message_key = j.elder AND a.direction = j.direction
WHERE j.activity_id = %(activity)s::uuid"""
_MERGED = "SELECT merged_into, deleted FROM resolver.directory_record WHERE type = %s AND id = %s"

NOT_FILED = "the mail is not filed"
SEVERAL = "several mails have this id: name the activity instead, see `mailweave activities --json`"
THERE = "a person has filed it under this record already"
NOT_THERE = "it is not filed under this record"
FOLDER = "a rule of its folder gives this record, which nobody takes away while tracking.folderWins is on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One command: about all activities of the message with a keyed id, or about one activity."""

    command: UUID
    kind: str
    message: UUID | None
    activity: UUID | None
    record: RecordRef
    author: str
    reason: str
    asked: datetime


class _RefusedError(Exception):
    """The command makes no sense as things stand; the text says why."""


def carry_out_one(connection: Connection, wish: Wish, settings: Settings) -> bool:
    """
    Carry out one command; return whether it changed anything. One that came before changes nothing.

    What answers these mails is decided again by a job: it follows, unless a person has said otherwise of it.
    """
    row = (wish.command, wish.kind, wish.author, wish.reason, wish.asked)
    if connection.execute(_BEGUN, row).fetchone() is None:
        return False
    try:
        with connection.transaction():
            outcome = _carry_out(connection, wish, settings)
    except _RefusedError as refusal:
        connection.execute(_ENDED, (str(refusal), "", wish.command))
        return False
    connection.execute(_ENDED, ("", outcome, wish.command))
    return True


def _carry_out(connection: Connection, wish: Wish, settings: Settings) -> str:
    given = {"message": wish.message, "activity": wish.activity}
    reading.lock(connection, {key for key, _ in connection.execute(_ABOUT, given).fetchall()})
    # Meanwhile it may have ended in another one; and whoever renames a merged record waits for this lock.
    about = connection.execute(_ABOUT, given).fetchall()
    keys = sorted({key for key, _ in about})
    if not keys:
        raise _RefusedError(NOT_FILED)
    if len(keys) > 1:
        raise _RefusedError(SEVERAL)
    record = wish.record if wish.kind == REMOVE else _today(connection, wish.record)
    ledger = reading.read(connection, keys, (), mailbox_owners={}, prefixes=settings.policy.token_prefixes)
    named = {activity for _, activity in about}
    meant = [one for place, one in sorted(ledger.filed.items()) if place[0] in keys and one.activity_id in named]
    now = [_said(one, wish, record, ledger.taken_away.get(one.activity_id, frozenset()), settings) for one in meant]
    changed = [after for before, after in zip(meant, now, strict=True) if after.regardings != before.regardings]
    if not changed:
        raise _RefusedError(_why_not(meant, wish, record))
    if wish.kind == REMOVE:
        regardings.replace_all(connection, changed, ended="person", by=wish.author, why=wish.reason)
    else:
        regardings.replace_all(connection, changed)
    filing = Filing()
    note_changed(ledger.known[keys[0]].id_key, keys[0], ledger, filing)
    leave_jobs(connection, filing)
    announce(connection, [one.activity_id for one in changed], "regarding")
    done = "filed under" if wish.kind == ADD else "taken away from"
    return f"{done} {record.type} {record.id}"


def _today(connection: Connection, record: RecordRef) -> RecordRef:
    """Return what the record has become by now; one that the directory does not have may be named all the same."""
    met = [record.id]
    while (row := connection.execute(_MERGED, (record.type, met[-1])).fetchone()) is not None:
        into, deleted = row
        if into is None and deleted:
            raise _RefusedError(f"the directory has {record.type} {met[-1]} no longer")
        if into is None or into in met:
            break
        met.append(into)
    return RecordRef(record.type, met[-1])


def _said(filed: Filed, wish: Wish, record: RecordRef, taken_away: frozenset[RecordRef], settings: Settings) -> Filed:
    wins = settings.policy.folder_wins
    if wish.kind == REMOVE:
        said = Spoken(taken_away | {record}, wins)
        return replace(filed, regardings=without(filed.regardings, said))
    manual = Regarding(record, Source.MANUAL, wish.author, wish.reason)
    return replace(filed, regardings=with_manual(filed.regardings, [manual], Spoken(taken_away - {record}, wins)))


def _why_not(meant: Sequence[Filed], wish: Wish, record: RecordRef) -> str:
    if wish.kind == ADD:
        return THERE
    return FOLDER if any(record == one.record for filed in meant for one in filed.regardings) else NOT_THERE
