"""Smart matching while mails are decided: what a mail continues by likeness, and what later ones may."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from services.domain.acceptance import Outcome
from services.domain.evidence import STRENGTH, Kind
from services.domain.smart_index import SmartIndex
from services.domain.smart_matching import Hashes, Indexed, Parameters, hashes_of, rank
from services.resolver import reading, relinks, smart_store
from services.resolver.ledger import Item, Ledger, Pointed
from services.resolver.settings import Settings
from services.resolver.stripping import strip_all
from services.storage.inserting import upsert

Find = Callable[[Mapping[UUID, tuple[datetime, Hashes]], Parameters], Mapping[UUID, Indexed[UUID]]]
AFTER_ALL_IDS = 1_000_000
"""The position of this evidence: in the product's order whatever a header or a token names comes first."""


@dataclass(slots=True, kw_only=True)
class Matching:
    """
    What the decisions of one transaction look up and add. Without smart matching it holds nothing and does nothing.

    A mail continues what was indexed when it was first looked at: what it found is stored as its evidence, and is not
    looked for again. So the answer depends on what had come by then, as the evidence itself says.
    """

    settings: Settings
    mails: Mapping[UUID, Indexed[UUID]] = field(default_factory=dict)
    stored: Mapping[UUID, Indexed[UUID]] = field(default_factory=dict)
    index: SmartIndex[UUID] = field(default_factory=SmartIndex)
    added: list[Indexed[UUID]] = field(default_factory=list)
    noted: list[tuple[UUID, Pointed]] = field(default_factory=list)
    parted: frozenset[tuple[UUID, UUID]] = frozenset()

    def point(self, item: Item, ledger: Ledger) -> UUID | None:
        """Add to the evidence of a mail what it continues; return that mail's id when there is something new."""
        smart, key = self.settings.smart, item.delivered.message_key
        if smart is None or not smart.acts or key not in self.mails or _looked_at(item, ledger):
            return None
        own = self.mails[key]
        near = self.index.find(own.hashes, own.sent, smart.parameters)
        both = [one for one in (near, self.stored.get(key)) if one is not None and self._may(key, one.key, ledger)]
        ranked = [(found, one) for one in both if (found := rank(one, own.hashes, own.sent, smart.parameters))]
        if not ranked:
            return None
        chosen = max(ranked, key=lambda pair: pair[0])[1]
        words, shared = len(own.hashes.words & chosen.hashes.words), own.hashes.shared(chosen.hashes)
        value = f"{words} of {len(own.hashes.words)} words and {shared} addresses"
        piece = Pointed(ledger.known[chosen.key].id_key, Kind.SMART_MATCHING, AFTER_ALL_IDS, value)
        ledger.evidence[key] = (*ledger.evidence.get(key, ()), piece)
        self.noted.append((key, piece))
        return piece.target

    def _may(self, key: UUID, other: UUID, ledger: Ledger) -> bool:
        """Whether a mail may continue another one: no circle comes of it, and no person has parted the two."""
        own, answered = ledger.known[key].id_key, (piece.target for piece in ledger.evidence.get(other, ()))
        return other != key and own not in answered and (key, ledger.known[other].id_key) not in self.parted

    def keep(self, item: Item, ledger: Ledger) -> None:
        """Let later mails continue this one when it is tracked."""
        own = self.mails.get(item.delivered.message_key)
        if own is not None and ledger.current[item.delivered.delivery_id].outcome == Outcome.ACCEPTED:
            self.index.add(own)
            self.added.append(own)

    def write(self, connection: psycopg.Connection[Any]) -> None:
        """Store what was found and what was added."""
        smart_store.put(connection, self.added)
        upsert(
            connection,
            "resolver.evidence",
            ("child", "target", "kind", "cls", "position", "value"),
            [(key, p.target, p.kind, STRENGTH[Kind.SMART_MATCHING], p.position, p.value) for key, p in self.noted],
            key=("child", "target", "kind"),
        )


def begin(connection: psycopg.Connection[Any], items: Sequence[Item], ledger: Ledger, settings: Settings) -> Matching:
    """Look up in the store what these items continue, in one statement, and have the ledger know it."""

    def find(asking: Mapping[UUID, tuple[datetime, Hashes]], parameters: Parameters) -> Mapping[UUID, Indexed[UUID]]:
        ids = {key: ledger.known[key].id_key for key in asking}
        found = smart_store.find(connection, asking, ids, parameters)
        reading.extend(connection, ledger, [one.key for one in found.values()])
        return found

    matching = prepare(items, ledger, settings, find)
    matching.parted = relinks.parted(connection, list(matching.mails))
    return matching


def prepare(items: Iterable[Item], ledger: Ledger, settings: Settings, find: Find) -> Matching:
    """Return the hashes of the items, and what ``find`` says of those that were not looked at yet."""
    smart = settings.smart
    if smart is None:
        return Matching(settings=settings)
    distinct = {item.delivered.message_key: item for item in items}
    stripped = strip_all(smart.parameters.noise, [item.message.subject for item in distinct.values()])
    mails = {
        key: Indexed(
            key,
            item.message.date or item.delivered.internal_date,
            hashes_of(item.message, subject, smart.parameters.max_count, key=smart.hash_key),
        )
        for (key, item), subject in zip(distinct.items(), stripped, strict=True)
    }
    asking = {
        key: (mails[key].sent, mails[key].hashes)
        for key, item in distinct.items()
        if smart.acts and not _looked_at(item, ledger)
    }
    return Matching(settings=settings, mails=mails, stored=find(asking, smart.parameters) if asking else {})


def _looked_at(item: Item, ledger: Ledger) -> bool:
    pieces = ledger.evidence.get(item.delivered.message_key, ())
    return any(piece.kind == Kind.SMART_MATCHING for piece in pieces)
