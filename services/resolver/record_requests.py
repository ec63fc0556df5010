"""Asks the CRM for records of unknown senders: once for an address, for good, by the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from services import contracts
from services.domain.correlation import Looked
from services.domain.decide import Decision
from services.domain.facts import Facts
from services.domain.identity import Direction, keyed_hash
from services.domain.parties import Role
from services.domain.record_requests import ASKED, Request, unknown_sender
from services.domain.resolved import Records
from services.storage import outbox
from services.storage.inserting import upsert
from services.storage.outbox import OutboxRow

if TYPE_CHECKING:
    from services.resolver.changes import Filing
    from services.resolver.ledger import Filed, Ledger

TOPIC = "record-requests"
RECORD = "record"
"""The kind of what a decision looked at where it says whether a record is asked for."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A request, and the activity whose sender it is about."""

    request: Request
    place: tuple[UUID, Direction]


def consider(
    facts: Facts, decision: Decision, place: tuple[UUID, Direction], *, records: Records, source: str, own: str | None,
    hash_key: bytes, asking: dict[UUID, Asking],
) -> tuple[Looked, ...]:  # fmt: skip
    """
    Note the request that follows from an activity, if any; return why, or why not. Of known senders nothing is said.

    ``own`` is the choice of the user or queue for whom it is filed, ``asking`` are the requests of this transaction by
    their ids, and ``records`` what the addresses are resolved to.
    """
    if facts.direction == Direction.OUTGOING or () not in [
        refs for (role, _), refs in records.items() if role == Role.FROM
    ]:
        return ()
    answer = unknown_sender(facts, decision, source=source, own=own)
    if answer.request is None:
        return (Looked(RECORD, "", None, counts=False, why=answer.why),)
    name = keyed_hash(hash_key, "record-request", answer.request.address)
    if asking.setdefault(name, Asking(answer.request, place)).place != place:
        return (Looked(RECORD, answer.request.type, None, counts=False, why=ASKED),)
    return (Looked(RECORD, answer.request.type, None, counts=True, why=answer.why),)


def write(connection: psycopg.Connection[Any], filing: "Filing", ledger: "Ledger", *, settings_version: int) -> None:
    """
    Keep the requests and leave their records in the outbox; to be called before the decisions are written.

    One that was made before, by whatever mail, is not made again, and the decision says so.
    """
    asking = {name: one for name, one in filing.asking.items() if one.place in ledger.filed}
    if not asking:
        return
    now = datetime.now(UTC)
    filed = {name: ledger.filed[one.place] for name, one in asking.items()}
    rows = [
        (name, one.request.type, one.place[0], filed[name].activity_id, settings_version, now)
        for name, one in asking.items()
    ]
    columns = ("id", "type", "message_key", "activity_id", "settings_version", "asked")
    made = {
        name for (name,) in upsert(connection, "resolver.record_request", columns, rows, key=("id",), returning=("id",))
    }
    outbox.append(
        connection, "resolver", [_row(name, asking[name].request, filed[name], ledger, now) for name in sorted(made)]
    )
    late = {one.place for name, one in asking.items() if name not in made}
    filing.decisions[:] = [
        replace(row, looked=tuple(map(_asked_before, row.looked)))
        if (row.delivered.message_key, row.delivered.direction) in late
        else row
        for row in filing.decisions
    ]


def _asked_before(one: Looked) -> Looked:
    return replace(one, counts=False, why=ASKED) if one.kind == RECORD and one.counts else one


def _row(name: UUID, request: Request, filed: "Filed", ledger: "Ledger", now: datetime) -> OutboxRow:
    """Return the record of a request. Key: its id, the same for an address for ever."""
    value: Mapping[str, Any] = {
        "request_id": str(name),
        "type": request.type,
        "address": request.address,
        "name": request.name,
        "owner": {"type": filed.owner.type, "id": filed.owner.id} if filed.owner else None,
        "activity_id": str(filed.activity_id),
        "message_id": ledger.known[filed.message_key].message_id,
        "asked_at": now,
    }
    return OutboxRow(TOPIC, str(name).encode(), contracts.encode("RecordRequest", value), {})
