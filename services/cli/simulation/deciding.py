"""The decisions of a dry run: the resolver's own, about mails that are taken for undecided."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.resolver.anew import settle_all
from services.resolver.changes import DecisionRow
from services.resolver.ledger import Item, Ledger
from services.resolver.settings import Settings
from services.resolver.smart_matching import prepare


def decide(items: Sequence[Item], ledger: Ledger, settings: Settings) -> Mapping[UUID, DecisionRow]:
    """Decide about all items, whatever their order; return the last decision of each delivery. Changes the ledger."""
    matching = prepare(items, ledger, settings, lambda _asking, _parameters: {})
    filing = settle_all(items, ledger, settings, matching, cause="simulation")
    return {row.delivered.delivery_id: row for row in filing.decisions}
