"""Stored mail decided again in memory, beside what is decided today."""

from collections.abc import Iterable
from uuid import UUID

from services.cli.simulation.deciding import decide
from services.cli.simulation.knowing import Stored
from services.cli.simulation.verdicts import Verdict, verdict, verdicts
from services.resolver.ledger import Ledger
from services.resolver.settings import Settings


def again(stored: Stored, settings: Settings) -> list[Verdict]:
    """Return what these settings make of the mail."""
    items, ledger = stored.under(settings)
    rows = decide(items, ledger, settings)
    return verdicts(items, rows, ledger, _labels(ledger), settings.policy.attachments)


def decided(stored: Stored, of: Iterable[Verdict]) -> list[Verdict]:
    """Return what is decided today of the deliveries that these verdicts are about."""
    labels = _labels(stored.ledger)
    return [
        verdict(one.delivered, stored.current[one.delivered.delivery_id], stored.filed, labels)
        for one in of
        if one.delivered.delivery_id in stored.current
    ]


def pairs(before: Iterable[Verdict], after: Iterable[Verdict]) -> list[tuple[Verdict, Verdict]]:
    """Return the verdicts about the same delivery, in the order of the second ones."""
    both = {one.delivered.delivery_id: one for one in before}
    return [(both[one.delivered.delivery_id], one) for one in after if one.delivered.delivery_id in both]


def _labels(ledger: Ledger) -> dict[UUID, str]:
    return {key: known.message_id for key, known in ledger.known.items()}
