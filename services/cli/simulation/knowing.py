"""What decisions know in a dry run: a ledger made of given mails alone, or of the store around stored ones."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from services.cli.simulation.given import without_text
from services.cli.simulation.names import GivenSurroundings, other_names, places
from services.domain.addresses import normalise
from services.domain.cycles import on_cycles
from services.domain.directory import Record, RecordRef
from services.domain.evidence import POINTS_AT_IDS
from services.domain.features import participants_of
from services.domain.identity import Direction
from services.resolver import reading, redecisions
from services.resolver.anew import forget
from services.resolver.arrivals import Arrival
from services.resolver.contents import contents, limited
from services.resolver.ledger import Current, Filed, Item, Known, Ledger, Pointed
from services.resolver.settings import Settings
from services.storage.blobs import BlobFolder


def directory_of(entries: Iterable[Mapping[str, Any]]) -> tuple[dict[str, tuple[Record, ...]], dict[RecordRef, Record]]:
    """Return the directory that the lines of a directory file describe; of one record the last line counts."""
    latest = {(one["type"], one["id"]): one for one in entries}
    by_address: dict[str, list[Record]] = defaultdict(list)
    records: dict[RecordRef, Record] = {}
    for ordinal, one in enumerate(latest.values()):
        if one["deleted"]:
            continue
        ref = RecordRef(one["type"], one["id"])
        owner = RecordRef(one["owner"]["type"], one["owner"]["id"]) if one["owner"] else None
        records[ref] = Record(ref, one["name"], owner, one["active"], ordinal)
        for address in dict.fromkeys(map(normalise, one["addresses"])):
            by_address[address].append(records[ref])
    return {address: tuple(found) for address, found in by_address.items()}, records


def of_given(arrivals: Sequence[Arrival], entries: Iterable[Mapping[str, Any]]) -> Ledger:
    """Return the ledger of mails that are all there is, and of which none is decided yet."""
    known = {a.delivered.message_key: Known(a.delivered.message_key, a.id_key, a.message_id, 0) for a in arrivals}
    by_id: dict[UUID, tuple[UUID, ...]] = {}
    for key, one in known.items():
        by_id[one.id_key] = (*by_id.get(one.id_key, ()), key)
    evidence = {  # the last copy of a message has what all copies together point at
        a.delivered.message_key: tuple(Pointed(e.target, e.kind, e.position, e.value) for e in a.evidence)
        for a in arrivals
    }
    edges = {
        child: {
            key
            for piece in pieces
            if piece.kind in POINTS_AT_IDS
            for key in by_id.get(piece.target, ())
            if key != child
        }
        for child, pieces in evidence.items()
    }
    circles = on_cycles(edges)
    directory, records = directory_of(entries)
    named, same = other_names(evidence)
    return Ledger(
        known=known,
        by_id=by_id,
        evidence=evidence,
        circling={(child, target) for circle in circles for child in circle for target in edges[child] & circle},
        participants={a.delivered.message_key: participants_of(a.message) for a in arrivals},
        filed={},
        deliveries={},
        current={},
        directory=directory,
        records=records,
        named=named,
        same=same,
        above=places(evidence),
        around=lambda asking: GivenSurroundings(asking, by_id, {k: one.id_key for k, one in known.items()}, evidence),
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """Stored mails to be decided anew, what is decided today, and how many can no longer be read."""

    ledger: Ledger
    items: Sequence[Item]
    blobs: BlobFolder
    current: Mapping[UUID, Current]
    filed: Mapping[tuple[UUID, Direction], Filed]
    unreadable: int

    def under(self, settings: Settings) -> tuple[list[Item], Ledger]:
        """Return the mails under the limit for whole ones, and a ledger that a run may change."""
        items = [limited(item, self.blobs, settings.largest) for item in self.items]
        ledger = self.ledger
        deliveries = {key: dict(group) for key, group in ledger.deliveries.items()}
        return items, replace(
            ledger,
            evidence=dict(ledger.evidence),
            filed=dict(ledger.filed),
            deliveries=deliveries,
            current=dict(ledger.current),
        )


def of_stored(
    connection: Connection[Any], blobs: BlobFolder, since: datetime, settings: Settings, mailbox: str | None = None
) -> Stored:
    """Return the stored messages that came since then in any of their deliveries, as if they were undecided."""
    keys = redecisions.messages(connection, since, mailbox)
    items: list[Item] = []
    unreadable = 0
    for group in reading.deliveries(connection, keys).values():
        found, gone = contents(group.values(), blobs)
        unreadable += len(gone)
        items += [replace(item, message=without_text(item.message)) for item in found]
    ledger = reading.read(
        connection,
        keys,
        items,
        mailbox_owners=dict(settings.mailbox_owners),
        prefixes=settings.policy.token_prefixes,
    )
    before = forget(items, ledger)
    return Stored(ledger, items, blobs, before.current, before.filed, unreadable)
