"""The second transaction of a batch: lock, read, decide in order, write. Shared by arrivals and jobs."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain import own_token
from services.domain.evidence import Kind
from services.resolver import awaiting, circles, joining, mailbox_aliases, opposites, reading, smart_matching
from services.resolver.arrivals import Delivered
from services.resolver.changes import Filing
from services.resolver.ledger import Item, Ledger
from services.resolver.settings import Settings
from services.resolver.settling import gone, settle
from services.resolver.writing import write


def decide_all(
    connection: psycopg.Connection[Any],
    items: Sequence[Item],
    settings: Settings,
    *,
    cause: str,
    undecided_only: bool,
    without_content: Sequence[Delivered] = (),
) -> int:
    """
    Decide about these deliveries inside the caller's transaction; return how many decisions were written.

    The messages are locked in key order before anything is read. With ``undecided_only`` a delivery that has a
    decision is left alone: that is how a redelivery changes nothing.
    """
    keys = sorted({one.message_key for one in (*(item.delivered for item in items), *without_content)})
    if not keys:
        return 0
    seen = reading.lock(connection, keys)
    circling = circles.mark(connection, keys)
    ledger = reading.read(
        connection,
        keys,
        items,
        mailbox_owners=dict(settings.mailbox_owners),
        prefixes=settings.policy.token_prefixes,
    )
    matching = smart_matching.begin(connection, items, ledger, settings)
    filing = Filing()
    pointing: dict[UUID, set[UUID]] = defaultdict(set)
    settled: list[Item] = []
    for item in items:
        decided = item.delivered.delivery_id in ledger.current
        if undecided_only and decided:
            continue
        matching.point(item, ledger)
        changed = settle(item, ledger, filing, settings, cause=cause)
        matching.keep(item, ledger)
        settled.append(item)
        key = item.delivered.message_key
        again = opposites.follow(item, ledger, filing, settings, changed=changed is not None)
        if again:
            filing.outrun.add(key)
        if changed is not None or again:
            note_changed(ledger.known[key].id_key, key, ledger, filing)
            filing.outrun |= pointing[ledger.known[key].id_key]
        for name in ledger.depends_on(key):
            pointing[name].add(key)
    for delivered in without_content:
        gone(delivered, ledger, filing, settings, cause=cause)
    write(connection, filing, ledger, settings_version=settings.policy.version, seen=seen)
    matching.write(connection)
    joining.ask(connection, settled, ledger, filing)
    awaiting.note(connection, settled, ledger, settings.hash_key)
    mailbox_aliases.note(connection, settled, ledger, settings.mailbox_owners)
    if circling:
        connection.execute(
            "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', %s, 'circle')", (circling,)
        )
    return len(filing.decisions)


def note_changed(changed: UUID, message_key: UUID, ledger: Ledger, filing: Filing) -> None:
    """Note under which names, and at which place of a Thread-Index, a message has changed."""
    names = {changed, *(ledger.known[key].id_key for key in ledger.same.get(message_key, ()))}
    for piece in ledger.evidence.get(message_key, ()):
        if piece.kind == Kind.ALIAS or ledger.tokens.carries(message_key, piece.target):
            names.add(piece.target)
        elif piece.kind == Kind.THREAD_INDEX:
            filing.changed_places.add((piece.target, piece.value))
    filing.changed_ids |= names | {own_token.half(name) for name in names}
