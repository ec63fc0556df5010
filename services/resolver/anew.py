"""Mails decided as if they were undecided, and how that differs from what is decided: a dry run, and deciding again."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.domain.acceptance import Outcome
from services.domain.identity import Direction
from services.resolver import opposites
from services.resolver.changes import DecisionRow, Filing, differences
from services.resolver.ledger import Current, Filed, Item, Ledger
from services.resolver.settings import Settings
from services.resolver.settling import settle
from services.resolver.smart_matching import Matching

Place = tuple[UUID, Direction]


@dataclass(frozen=True, slots=True)
class Before:
    """What was decided of the mails, and what they had become."""

    current: Mapping[UUID, Current]
    filed: Mapping[Place, Filed]


def forget(items: Sequence[Item], ledger: Ledger) -> Before:
    """
    Have the ledger take these mails for undecided; return what it knew of them.

    An activity whose regarding a person has set stays, and so does one that a delivery holds whose content is gone. A
    duplicate stays one, or two copies would take turns.
    """
    manual = {key for (key, _), filed in ledger.filed.items() if filed.manual}
    messages = {item.delivered.message_key for item in items}
    elders = {(into, way) for (key, way), into in ledger.joined.items() if key in messages}
    known = {p: one for p, one in ledger.filed.items() if p[0] in messages or p in elders}
    before = Before(dict(ledger.current), known)
    for item in items:
        now = ledger.current.get(item.delivered.delivery_id)
        if now is not None and now.outcome != Outcome.DUPLICATE and item.delivered.message_key not in manual:
            del ledger.current[item.delivered.delivery_id]
    for place in before.filed:
        if place[0] in messages - manual and not ledger.accepted(*place):
            del ledger.filed[place]
    return before


def settle_all(items: Sequence[Item], ledger: Ledger, settings: Settings, matching: Matching, *, cause: str) -> Filing:
    """
    Decide about all items, by internal date, and again what points at something that changes.

    So the answer does not depend on the order. It ends, because an outcome equal to the current one changes nothing.
    """
    by_message: dict[UUID, list[Item]] = defaultdict(list)
    pointing: dict[UUID, list[UUID]] = defaultdict(list)
    for item in items:
        by_message[item.delivered.message_key].append(item)
    for asking, name in ((key, name) for key in by_message for name in ledger.depends_on(key)):
        pointing[name].append(asking)
    filing = Filing()
    waiting = deque(sorted(items, key=lambda item: _turn(item, ledger)))
    queued = {item.delivered.delivery_id for item in waiting}
    while waiting:
        item = waiting.popleft()
        queued.discard(item.delivered.delivery_id)
        found = matching.point(item, ledger)
        if found is not None:
            pointing[found].append(item.delivered.message_key)
        changed = settle(item, ledger, filing, settings, cause=cause)
        matching.keep(item, ledger)
        key = item.delivered.message_key
        again = opposites.follow(item, ledger, filing, settings, changed=changed is not None)
        if changed is None and not again:
            continue
        for child in (*pointing.get(ledger.known[key].id_key, ()), *([key] if again else ())):
            for dependent in by_message[child]:
                decided = dependent.delivered.delivery_id in ledger.current
                if decided and dependent.delivered.delivery_id not in queued:
                    queued.add(dependent.delivered.delivery_id)
                    waiting.append(dependent)
    return filing


def _turn(item: Item, ledger: Ledger) -> tuple[bool, datetime, int]:
    """What is filed with another message comes after it, and so does what turns on whether it is."""
    one = item.delivered
    after = any((one.message_key, way) in ledger.joined for way in (one.direction, Direction.OUTGOING))
    return after, one.internal_date, one.uid or 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written, and which messages others see changed."""

    filing: Filing
    messages: tuple[UUID, ...]


def changes(before: Before, run: Filing, items: Sequence[Item], ledger: Ledger) -> Changes:
    """Return how the ledger after a run differs from what was before; what is equal is not written."""
    filing = Filing(asking=run.asking)
    for row in {row.delivered.delivery_id: row for row in run.decisions}.values():
        _decision(row, before.current.get(row.delivered.delivery_id), filing)
    changed: set[UUID] = set()
    item_of = {(item.delivered.message_key, item.delivered.direction): item for item in reversed(items)}
    for item in items:
        elder = ledger.elder(item.delivered.message_key, item.delivered.direction)
        if elder is not None:
            item_of.setdefault((elder.message_key, elder.direction), item)
    for place, item in item_of.items():
        old, new = before.filed.get(place), ledger.filed.get(place)
        if new is None:
            if old is not None:
                filing.ended[old.activity_id] = opposites.into(*place, ledger)
                changed.add(place[0])
            continue
        copies = [place[0], *(key for (key, way), into in ledger.joined.items() if (into, way) == place)]
        there = [one for key in copies for one in ledger.deliveries.get(key, {}).values() if one.direction == place[1]]
        had = {one.delivery_id for one in there if _accepted(before.current.get(one.delivery_id))}
        has = {one.delivery_id for one in there if _accepted(ledger.current.get(one.delivery_id))}
        why = _activity(old, new, item, had=had, has=has, run=run, ledger=ledger, filing=filing)
        if why - {"delivery-added", "delivery-removed"}:
            changed.add(place[0])
    return Changes(filing, tuple(sorted(changed)))


def _decision(row: DecisionRow, old: Current | None, filing: Filing) -> None:
    if old is None:
        filing.decisions.append(row)
    elif replace(row.current, version=old.version) != old:
        filing.decisions.append(replace(row, current=replace(row.current, version=old.version + 1)))


def _accepted(current: Current | None) -> bool:
    return current is not None and current.outcome == Outcome.ACCEPTED


def _activity(
    old: Filed | None,
    new: Filed,
    item: Item,
    *,
    had: set[UUID],
    has: set[UUID],
    run: Filing,
    ledger: Ledger,
    filing: Filing,
) -> set[str]:
    """Note what an activity has become; return why, which is nothing when it is as it was."""
    place = new.message_key, new.direction
    _, form, item = run.activities.get(new.activity_id, (new, None, item))
    if old is None:
        filing.note(new, form, item)
        filing.reasons[new.activity_id] = {"created"}
        return {"created"}
    *_, acceptor = min(ledger.acceptors(*place), default=(new.acceptor,))
    # Whoever works by a queue item finds it there, whatever the settings are by now.
    queues = old.queues | new.queues
    now = replace(new, acceptor=acceptor, version=old.version, subject=old.subject, queues=queues)
    why = differences(old, now)
    why |= ({"delivery-added"} if has - had else set()) | ({"delivery-removed"} if had - has else set())
    if why:
        now = replace(now, version=old.version + 1)
        filing.note(now, form, item)
        filing.reasons[now.activity_id] = why
    ledger.filed[place] = now
    return why
