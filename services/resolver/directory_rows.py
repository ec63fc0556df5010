"""The directory as decisions about some mails look at it."""

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import psycopg

from services.domain.addresses import normalise, without_detail
from services.domain.directory import Directory, Record, RecordRef
from services.domain.forwarding import addresses_named
from services.resolver.ledger import Item

Connection = psycopg.Connection[Any]


def read(
    connection: Connection,
    items: Sequence[Item],
    mailbox_owners: dict[str, RecordRef],
    kept: AbstractSet[RecordRef] = frozenset(),
) -> tuple[Directory, dict[RecordRef, Record]]:
    """
    Return who is behind the addresses of these mails and mailboxes, and every record that owners refer to.

    The records that are ``kept`` in activities are among these, removed ones too.
    """
    addresses = {item.delivered.mailbox for item in items}
    for item in items:
        m = item.message
        if item.wrapper is not None:
            addresses |= addresses_named(item.wrapper, m)
        addresses.update(normalise(one.address) for group in (m.from_, m.to, m.cc, m.bcc) for one in group)
    addresses |= {without_detail(address) for address in addresses}
    by_address: dict[str, list[Record]] = defaultdict(list)
    records: dict[RecordRef, Record] = {}
    for address, *fields in connection.execute(
        "SELECT a.address, r.type, r.id, r.name, r.owner_type, r.owner_id, r.active, r.ordinal"
        " FROM resolver.directory_address a JOIN resolver.directory_record r USING (type, id)"
        " WHERE a.address = ANY(%b) AND NOT r.deleted ORDER BY r.ordinal",
        (list(addresses),),
    ):
        record = _record(fields)
        records[record.ref] = record
        by_address[address].append(record)
    wanted = {owner for address, owner in mailbox_owners.items() if address in addresses}
    wanted |= {r.owner for r in records.values() if r.owner is not None} | kept
    missing = sorted(wanted - records.keys())
    # A queue's owner, found in the first round, may be needed by name too: owners have no owners that matter.
    while missing:
        found = [
            _record(row)
            for row in connection.execute(
                "SELECT r.type, r.id, r.name, r.owner_type, r.owner_id, r.active AND NOT r.deleted, r.ordinal"
                " FROM resolver.directory_record r JOIN unnest(%s::text[], %s::text[]) AS w(type, id) USING (type, id)",
                ([ref.type for ref in missing], [ref.id for ref in missing]),
            )
        ]
        records.update((r.ref, r) for r in found)
        missing = sorted({r.owner for r in found if r.owner is not None} - records.keys())
    return {address: tuple(rows) for address, rows in by_address.items()}, records


def _record(row: Sequence[Any]) -> Record:
    kind, name_id, name, owner_type, owner_id, active, ordinal = row
    owner = RecordRef(owner_type, owner_id) if owner_type else None
    return Record(RecordRef(kind, name_id), name, owner, active, ordinal)
