"""The decisions of a dry run: the resolver's own, taken again until nothing that they look at changes."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from uuid import UUID

from services.resolver import opposites
from services.resolver.filing import DecisionRow, Filing, Settings, settle
from services.resolver.ledger import Item, Ledger
from services.resolver.smart_matching import prepare


def decide(items: Sequence[Item], ledger: Ledger, settings: Settings) -> Mapping[UUID, DecisionRow]:
    """
    Decide about all items, by internal date; return the last decision of each delivery. Changes the ledger.

    What points at something that changes is decided again, as the job worker does; so the answer does not depend on
    the order. It ends for the same reason as there: an outcome equal to the current one changes nothing.
    """
    by_message: dict[UUID, list[Item]] = defaultdict(list)
    pointing: dict[UUID, list[UUID]] = defaultdict(list)
    for item in items:
        by_message[item.delivered.message_key].append(item)
    for child in by_message:
        for name in ledger.depends_on(child):
            pointing[name].append(child)
    filing = Filing()
    matching = prepare(items, ledger, settings, lambda _asking, _parameters: {})
    waiting = deque(sorted(items, key=lambda i: (i.delivered.internal_date, i.delivered.uid or 0)))
    queued = {item.delivered.delivery_id for item in waiting}
    while waiting:
        item = waiting.popleft()
        queued.discard(item.delivered.delivery_id)
        found = matching.point(item, ledger)
        if found is not None:
            pointing[found].append(item.delivered.message_key)
        changed = settle(item, ledger, filing, settings, cause="simulation")
        matching.keep(item, ledger)
        key = item.delivered.message_key
        again = opposites.withdraw(ledger, filing) or opposites.overtaken(item, ledger, filing, settings)
        changed = ledger.known[key].id_key if again else changed
        if changed is None:
            continue
        for child in [*pointing.get(changed, ()), *([key] if again else [])]:
            for dependent in by_message[child]:
                decided = dependent.delivered.delivery_id in ledger.current
                if decided and dependent.delivered.delivery_id not in queued:
                    queued.add(dependent.delivered.delivery_id)
                    waiting.append(dependent)
    return {row.delivered.delivery_id: row for row in filing.decisions}
