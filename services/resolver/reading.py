"""The deciding transaction's reads: locks its own messages, then reads what their evidence points at."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain.acceptance import Outcome
from services.domain.correlation import Method, ReviewKind
from services.domain.directory import RecordRef
from services.domain.evidence import OWN_TOKENS, Kind
from services.domain.features import participants_of
from services.domain.identity import Direction
from services.domain.resolved import Records
from services.resolver import directory_rows, mailbox_aliases, message_rows, naming, regardings, tokens, words
from services.resolver.arrivals import Delivered
from services.resolver.ledger import Current, Filed, Item, Ledger
from services.resolver.lookups import Named, StoredSurroundings
from services.resolver.threads import LOCK_DECIDING

Connection = psycopg.Connection[Any]

_DELIVERY = (
    "id, message_key, direction, direction_flag, source, mailbox, folder, folder_role, uidvalidity, uid,"
    " internal_date, blob_sha256, tracked_by, wrapper_sha256, wrapper_messages"
)


_ASKED = """
    SELECT r.delivery_id, r.kind, r.target FROM resolver.delivery d
    JOIN resolver.decision x ON x.delivery_id = d.id AND x.current
    JOIN resolver.review r ON r.delivery_id = x.delivery_id AND r.version = x.version
    WHERE d.message_key = ANY(%b)
"""


# The ids come first, as an array: with an OR, or as a join, a million messages were read for each batch.
_LOCK = """
    SELECT message_key, id_key, flagged FROM resolver.message WHERE id_key = ANY (ARRAY(
        SELECT m.id_key FROM (
            SELECT unnest(%(keys)b::uuid[]) AS key
            UNION SELECT elder FROM resolver.joined WHERE message_key = ANY (%(keys)b)) AS u
        CROSS JOIN LATERAL (SELECT id_key FROM resolver.message WHERE message_key = u.key OFFSET 0) AS m))
    ORDER BY message_key FOR NO KEY UPDATE"""


def lock(connection: Connection, message_keys: Iterable[UUID]) -> str:
    """
    Lock these messages, and those that share an id or an activity with them, in key order; never what they point at.

    Flags the ones that share an id: a forged copy must not pass for the real mail unseen. Returns what is in sight
    (a ``pg_snapshot``): the reads that follow see at least that. Who stores a further delivery of them does not wait.
    """
    keys = sorted(message_keys)
    row = connection.execute(
        "SELECT pg_advisory_xact_lock_shared(%s), pg_current_snapshot()::text", (LOCK_DECIDING,)
    ).fetchone()
    assert row is not None
    rows = connection.execute(_LOCK, {"keys": keys}).fetchall()
    locked = {key for key, _, _ in rows}
    # What was joined while this waited for its lock.
    elders = connection.execute("SELECT elder FROM resolver.joined WHERE message_key = ANY(%b)", (keys,)).fetchall()
    if late := sorted({elder for (elder,) in elders} - locked):
        connection.execute(
            "SELECT FROM resolver.message WHERE message_key = ANY(%b) ORDER BY message_key FOR NO KEY UPDATE", (late,)
        )
    sharing: dict[UUID, list[tuple[UUID, bool]]] = defaultdict(list)
    for message_key, id_key, flagged in rows:
        sharing[id_key].append((message_key, flagged))
    unflagged = [key for group in sharing.values() if len(group) > 1 for key, flagged in group if not flagged]
    if unflagged:
        connection.execute("UPDATE resolver.message SET flagged = true WHERE message_key = ANY(%b)", (unflagged,))
        # What points at this id may mean another message than was known when it was decided.
        shared = sorted(id_key for id_key, group in sharing.items() if any(key in unflagged for key, _ in group))
        connection.execute("INSERT INTO resolver.job (targets, cause) VALUES (%s, 'flagged')", (shared,))
    return str(row[1])


def deliveries(connection: Connection, message_keys: Sequence[UUID]) -> dict[UUID, dict[UUID, Delivered]]:
    """Return all deliveries of these messages, by message and delivery id."""
    found: dict[UUID, dict[UUID, Delivered]] = defaultdict(dict)
    rows = connection.execute(
        f"SELECT {_DELIVERY} FROM resolver.delivery WHERE message_key = ANY(%b) ORDER BY id",  # noqa: S608 - a constant
        (list(message_keys),),
    )
    for row in rows:
        one = Delivered(
            delivery_id=row[0],
            message_key=row[1],
            direction=Direction(row[2]),
            direction_flag=row[3],
            source=row[4],
            mailbox=row[5],
            folder=row[6],
            folder_role=row[7],
            uidvalidity=row[8],
            uid=row[9],
            internal_date=row[10],
            blob_sha256=row[11],
            tracked_by=row[12],
            wrapper_sha256=row[13],
            wrapper_messages=row[14],
        )
        found[one.message_key][one.delivery_id] = one
    return found


def current(connection: Connection, message_keys: Sequence[UUID]) -> dict[UUID, Current]:
    """Return the current decisions about all deliveries of these messages."""
    asked: dict[UUID, set[tuple[ReviewKind, UUID]]] = defaultdict(set)
    for delivery_id, kind, target in connection.execute(_ASKED, (list(message_keys),)):
        asked[delivery_id].add((ReviewKind(kind), target))
    rows = connection.execute(
        "SELECT x.delivery_id, x.version, x.outcome, x.accepted_type, x.accepted_id, x.accepted_rank, x.method,"
        " x.correlated, x.receiving, x.effect, x.verified FROM resolver.delivery d"
        " JOIN resolver.decision x ON x.delivery_id = d.id AND x.current WHERE d.message_key = ANY(%b)",
        (list(message_keys),),
    )
    return {
        row[0]: Current(
            version=row[1],
            outcome=Outcome(row[2]),
            acceptor=RecordRef(row[3], row[4]) if row[3] else None,
            rank=row[5],
            method=Method(row[6]),
            correlated=row[7],
            receiving=row[8],
            effect=row[9],
            verified=row[10],
            asked=frozenset(asked.get(row[0], ())),
        )
        for row in rows
    }


def read(
    connection: Connection,
    keys: Sequence[UUID],
    items: Sequence[Item],
    *,
    mailbox_owners: dict[str, RecordRef],
    prefixes: Sequence[str],
) -> Ledger:
    """Read everything that decisions about these messages look at, in statements after the lock's."""
    asked = set(keys)
    evidence = message_rows.evidence(connection, keys)
    circling = {
        (child, target)
        for child, target in connection.execute(
            "SELECT child, target FROM resolver.circling WHERE child = ANY(%b)", (keys,)
        )
    }
    targets = {piece.target for pieces in evidence.values() for piece in pieces if piece.kind != Kind.THREAD_INDEX}
    places = [
        (child, piece.target, piece.value)
        for child, pieces in evidence.items()
        for piece in pieces
        if piece.kind == Kind.THREAD_INDEX
    ]
    above = naming.above(connection, places)
    named = naming.aliases(connection, targets)
    carried = tokens.read(connection, evidence, prefixes)
    halves = tokens.halves(connection, (p.target for group in evidence.values() for p in group if p.kind in OWN_TOKENS))
    known = message_rows.known(
        connection, [*keys, *_every(above), *_every(named), *_every(halves), *carried.messages], targets
    )
    joined = naming.joined(connection, known)
    same = _with_joined(naming.copies(connection, known), joined)
    known |= message_rows.known(connection, [key for key in _every(same) if key not in known], ())
    by_id: dict[UUID, list[UUID]] = defaultdict(list)
    for one in known.values():
        by_id[one.id_key].append(one.message_key)
    filed = message_rows.filed(connection, list(known))
    before = {place: one for place, one in filed.items() if place[0] in asked}
    resolved, said = message_rows.resolved(connection, before)
    own, every = words.read(connection, keys, items)
    spoken = {word.record for some in (*own.values(), every) for word in some.values()}
    aliases = mailbox_aliases.read(connection, items)
    kept = _kept(before, resolved) | spoken | set(aliases.values())
    directory, records = directory_rows.read(connection, items, mailbox_owners, kept)
    participants = message_rows.participants(connection, sorted({key for key, _ in filed}))
    mentioned = Named(connection, known)
    texts = {item.delivered.message_key: item.message.body_text for item in items}
    for item in items:
        participants.setdefault(item.delivered.message_key, participants_of(item.message))
    return Ledger(
        known=known,
        by_id={id_key: tuple(sharing) for id_key, sharing in by_id.items()} | halves,
        evidence=evidence,
        circling=circling,
        participants=participants,
        filed=filed,
        deliveries=deliveries(connection, keys),
        current=current(connection, keys),
        directory=directory,
        records=records,
        named=named,
        same=same,
        joined=joined,
        above=above,
        around=lambda asking: StoredSurroundings(connection, asking, texts, mentioned),
        tokens=carried,
        resolved=resolved,
        said=said,
        words=own,
        words_on_all=every,
        taken_away=regardings.taken_away(connection, sorted({*keys, *joined.values()})),
        aliases=aliases,
    )


def _kept(
    filed: Mapping[tuple[UUID, Direction], Filed], resolved: Mapping[tuple[UUID, Direction], Records]
) -> set[RecordRef]:
    """Return the records of activities that count as they did when these were filed, whatever they are by now."""
    acceptors = {one.acceptor for one in filed.values()}
    return acceptors | {ref for parties in resolved.values() for refs in parties.values() for ref in refs}


def _with_joined(
    same: dict[UUID, tuple[UUID, ...]], joined: Mapping[tuple[UUID, Direction], UUID]
) -> dict[UUID, tuple[UUID, ...]]:
    for (key, _), elder in joined.items():
        for one, other in ((key, elder), (elder, key)):
            same[one] = tuple(dict.fromkeys((*same.get(one, ()), other)))
    return same


def _every(groups: Mapping[UUID, Sequence[UUID]]) -> set[UUID]:
    return {key for group in groups.values() for key in group}


def extend(connection: Connection, ledger: Ledger, message_keys: Sequence[UUID]) -> None:
    """Have the ledger know these messages too: what was found to be pointed at after it was read."""
    missing = [key for key in dict.fromkeys(message_keys) if key not in ledger.known]
    if not missing:
        return
    known = message_rows.known(connection, missing, ())
    ledger.known.update(known)
    for key, one in known.items():
        ledger.by_id[one.id_key] = (*ledger.by_id.get(one.id_key, ()), key)
    ledger.filed.update(message_rows.filed(connection, missing))
