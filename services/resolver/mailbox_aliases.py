"""Other addresses of users and queues: what decisions read of them, what servers show, and what people confirm."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from services.domain.addresses import normalise, without_detail
from services.domain.directory import PRINCIPALS, RecordRef
from services.domain.identity import Direction
from services.domain.mailbox_aliases import delivered_under, unknown
from services.domain.record_requests import IMPORT
from services.resolver.ledger import Item, Ledger
from services.storage.inserting import upsert

Connection = psycopg.Connection[Any]

ANSWERS = {"alias-confirm": "confirmed", "alias-dismiss": "dismissed", "alias-remove": "removed"}
"""The commands, and what each says of an address."""
NO_PRINCIPAL = "the directory has no such user or queue, or it is not active"
HAS_RECORD = "a record of the directory has the address already"
UNSEEN = "no mail came to a mailbox of this user or queue under the address"
CONFIRMED = "the address is confirmed already: take that back first"
UNCONFIRMED = "the address is not confirmed, or is taken back"

# Of two answers about one address the second must see what the first has done.
_LOCK = "LOCK TABLE resolver.alias_answer IN SHARE ROW EXCLUSIVE MODE"
_BEGUN = """
INSERT INTO resolver.alias_answer (id, address, type, ref, answer, author, reason, asked)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING true"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One command about another address of a user or queue."""

    command: UUID
    answer: str
    address: str
    principal: RecordRef
    author: str
    reason: str
    asked: datetime


class _RefusedError(Exception):
    """The command makes no sense as things stand; the text says why."""


def read(connection: Connection, items: Sequence[Item]) -> dict[str, RecordRef]:
    """Return whose other address each of those is that the mails name."""
    addresses = {
        normalise(one.address)
        for m in (item.message for item in items)
        for group in (m.from_, m.to, m.cc, m.bcc)
        for one in group
    }
    addresses |= {without_detail(one) for one in addresses}
    rows = connection.execute(
        "SELECT address, type, id FROM resolver.alias WHERE address = ANY (%b)", (sorted(addresses),)
    )
    return {address: RecordRef(kind, name) for address, kind, name in rows}


def note(connection: Connection, items: Sequence[Item], ledger: Ledger, owners: Mapping[str, RecordRef]) -> None:
    """Note under which other addresses mailboxes were given these mails; a mail that comes again counts once."""
    seen: dict[tuple[str, RecordRef, UUID], datetime] = {}
    for item in items:
        delivered = item.delivered
        if delivered.direction == Direction.OUTGOING or delivered.source == IMPORT or item.wrapper is not None:
            continue
        under = delivered_under(item.message, delivered.mailbox)
        principal = _behind(delivered.mailbox, ledger, owners) if under else None
        if principal is not None:
            seen |= {(address, principal, delivered.message_key): delivered.internal_date for address in under}
    if not seen:
        return
    addresses = sorted({address for address, _, _ in seen})
    left = unknown(addresses, {*owners, *_had(connection, {*addresses, *map(without_detail, addresses)})})
    columns = ("address", "type", "id", "message_key", "seen")
    rows = [(address, ref.type, ref.id, key, at) for (address, ref, key), at in seen.items() if address in left]
    upsert(connection, "resolver.alias_sighting", columns, rows, key=columns[:4])


def _behind(mailbox: str, ledger: Ledger, owners: Mapping[str, RecordRef]) -> RecordRef | None:
    """Return the one user or queue behind a mailbox."""
    if mailbox in owners:
        return owners[mailbox]
    found = {one.ref for one in ledger.directory.get(mailbox, ()) if one.ref.type in PRINCIPALS and one.active}
    return found.pop() if len(found) == 1 else None


def _had(connection: Connection, addresses: set[str]) -> set[str]:
    rows = connection.execute(
        "SELECT address FROM resolver.directory_address WHERE address = ANY (%b)", (sorted(addresses),)
    )
    return {address for (address,) in rows}


def carry_out_one(connection: Connection, saying: Saying, owners: Mapping[str, RecordRef]) -> bool:
    """
    Carry out one command; one that came before changes nothing. What is refused is kept with the reason.

    Mail that was refused for want of a confirmed address is found as late resolution finds it. Taking one back
    withdraws nothing: mail that is filed stays so. Returns whether anything is told at once: never, it follows by jobs.
    """
    connection.execute(_LOCK)
    row = (
        saying.command, saying.address, saying.principal.type, saying.principal.id, saying.answer, saying.author,
        saying.reason, saying.asked,
    )  # fmt: skip
    if connection.execute(_BEGUN, row).fetchone() is None:
        return False
    try:
        HOW[saying.answer](connection, saying, owners)
    except _RefusedError as refusal:
        connection.execute(
            "UPDATE resolver.alias_answer SET refused = %s WHERE id = %s", (str(refusal), saying.command)
        )
    return False


def _confirm(connection: Connection, saying: Saying, owners: Mapping[str, RecordRef]) -> None:
    ref = saying.principal
    there = connection.execute(
        "SELECT true FROM resolver.directory_record WHERE type = %s AND id = %s AND active AND NOT deleted",
        (ref.type, ref.id),
    ).fetchone()
    if there is None or ref.type not in PRINCIPALS:
        raise _RefusedError(NO_PRINCIPAL)
    if saying.address in owners or _had(connection, {saying.address}):
        raise _RefusedError(HAS_RECORD)
    _seen(connection, saying)
    made = connection.execute(
        "INSERT INTO resolver.alias (address, type, id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING true",
        (saying.address, ref.type, ref.id),
    ).fetchone()
    if made is None:
        raise _RefusedError(CONFIRMED)
    connection.execute("INSERT INTO resolver.gained_address (address) VALUES (%s)", (saying.address,))


def _dismiss(connection: Connection, saying: Saying, owners: Mapping[str, RecordRef]) -> None:  # noqa: ARG001
    _seen(connection, saying)
    held = connection.execute(
        "SELECT true FROM resolver.alias WHERE (address, type, id) = (%s, %s, %s)",
        (saying.address, saying.principal.type, saying.principal.id),
    ).fetchone()
    if held is not None:
        raise _RefusedError(CONFIRMED)


def _remove(connection: Connection, saying: Saying, owners: Mapping[str, RecordRef]) -> None:  # noqa: ARG001
    gone = connection.execute(
        "DELETE FROM resolver.alias WHERE (address, type, id) = (%s, %s, %s) RETURNING true",
        (saying.address, saying.principal.type, saying.principal.id),
    ).fetchone()
    if gone is None:
        raise _RefusedError(UNCONFIRMED)


def _seen(connection: Connection, saying: Saying) -> None:
    found = connection.execute(
        "SELECT true FROM resolver.alias_sighting WHERE (address, type, id) = (%s, %s, %s) LIMIT 1",
        (saying.address, saying.principal.type, saying.principal.id),
    ).fetchone()
    if found is None:
        raise _RefusedError(UNSEEN)


HOW: Mapping[str, Callable[[Connection, Saying, Mapping[str, RecordRef]], None]] = {
    "confirmed": _confirm,
    "dismissed": _dismiss,
    "removed": _remove,
}
