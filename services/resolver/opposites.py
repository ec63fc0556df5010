"""Where one activity is made of internal mail: what becomes of the incoming one when the outgoing one is there."""

from dataclasses import replace
from uuid import UUID

from services.domain.acceptance import Outcome
from services.domain.identity import Direction
from services.domain.regardings import Source, Spoken, with_manual
from services.resolver.changes import Filing
from services.resolver.ledger import Filed, Item, Ledger
from services.resolver.settings import Settings


def follow(item: Item, ledger: Ledger, filing: Filing, settings: Settings, *, changed: bool) -> bool:
    """
    Note what follows, when this delivery was decided, for its opposite; return whether its message must be again.

    An incoming activity without any accepted delivery ends in the outgoing one, and what a person has set goes over.
    With others left, one of them speaks for the activity. ``changed`` says whether the delivery has changed its own.
    """
    key = item.delivered.message_key
    if key in filing.withdrawn:
        filing.withdrawn.remove(key)
        _withdraw(item, ledger, filing, settings)
        return True
    if not changed or settings.policy.internal.two_activities or item.delivered.direction == Direction.INCOMING:
        return False
    return any(
        other.direction == Direction.INCOMING and other.delivery_id in ledger.current
        for other in ledger.deliveries[key].values()
    )


def _withdraw(item: Item, ledger: Ledger, filing: Filing, settings: Settings) -> None:
    key = item.delivered.message_key
    filed = ledger.filed.get((key, Direction.INCOMING))
    if filed is None:  # it lay in the activity of the same mail under another id
        elder = ledger.elder(key, Direction.INCOMING)
        if elder is not None:
            _note(_raised(elder, filing), "delivery-removed", item, ledger, filing)
        return
    if ledger.accepted(key, Direction.INCOMING):
        _note(_raised(filed, filing), "delivery-removed", item, ledger, filing)
        return
    del ledger.filed[key, Direction.INCOMING]
    filing.activities.pop(filed.activity_id, None)
    filing.reasons.pop(filed.activity_id, None)
    filing.ended[filed.activity_id] = into(key, Direction.INCOMING, ledger)
    outgoing = ledger.opposite(key)
    assert outgoing is not None, "an acceptance is withdrawn only where the outgoing activity is there"
    said = Spoken(ledger.taken_away.get(outgoing.activity_id, frozenset()), settings.policy.folder_wins)
    over = [one for one in filed.regardings if one.source == Source.MANUAL and one.record not in said.taken_away]
    regardings = with_manual(outgoing.regardings, over, said)
    if regardings != outgoing.regardings:
        _note(replace(_raised(outgoing, filing), regardings=regardings), "regarding", item, ledger, filing)


def into(key: UUID, direction: Direction, ledger: Ledger) -> UUID | None:
    """Return the outgoing activity in which this one ends that is no more; None when it ends for another reason."""
    opposite = ledger.opposite(key)
    if opposite is None or direction == Direction.OUTGOING:
        return None
    outcomes = {ledger.current[one].outcome for one in ledger.deliveries[key] if one in ledger.current}
    return opposite.activity_id if Outcome.INTERNAL_IGNORED in outcomes else None


def _raised(filed: Filed, filing: Filing) -> Filed:
    return filed if filed.activity_id in filing.reasons else replace(filed, version=filed.version + 1)


def _note(filed: Filed, why: str, item: Item, ledger: Ledger, filing: Filing) -> None:
    ledger.filed[filed.message_key, filed.direction] = filed
    filing.note(filed, None, item)
    filing.reasons.setdefault(filed.activity_id, set()).add(why)
