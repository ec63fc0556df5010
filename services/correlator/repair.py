"""Carries out what a person asks of the thread graph: each command in one transaction, under the graph's lock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from services.correlator import cuts, relinking, walking
from services.correlator import statements as sql
from services.correlator.relinking import Change
from services.correlator.store import GRAPH_LOCK, thread_today
from services.correlator.walking import Component, TooLargeError
from services.domain.repair import Link, parted, splitting
from services.storage import outbox

KINDS: Mapping[str, tuple[str, ...]] = {
    "unlink": ("target",),
    "split": (),
    "merge": ("target",),
    "relink": ("target", "onto"),
}
"""The commands about conversations, and what each needs besides the message it is about: Message-IDs."""

_BEGUN = """
INSERT INTO correlator.command (id, kind, child, target, onto, author, reason, asked)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING true"""
_ENDED = "UPDATE correlator.command SET refused = %s, outcome = %s WHERE id = %s"

NO_MAIL = "no mail with the id of the message has come in"
NO_TARGET = "no mail with the id of the other message has come in"
ITSELF = "a message cannot be joined with, or parted from, itself"
ONE = "the two are ids of one message, which is never parted from another name of its own"
FIRST = "the message points at no other one: it begins its conversation already"
TOGETHER = "the two are in one conversation already"
CIRCLE = "the other message follows from this one: unlink or split it first"
TOO_LARGE = (
    "with the message hang together {}, more than are parted at once: unlink what is wrong further from its start"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One command: ids are keyed. ``onto_mid`` is the id, as text, of the message that is to be pointed at."""

    command: UUID
    child: UUID
    target: UUID | None
    onto: UUID | None
    onto_mid: str
    author: str
    reason: str
    asked: datetime


class _RefusedError(Exception):
    """The command makes no sense as things stand; the text says why."""


def carry_out_one(connection: Connection[Any], kind: str, wish: Wish) -> bool:
    """Carry out one command; return whether it changed anything. One that came before changes nothing."""
    connection.execute(sql.BEGIN)
    row = (wish.command, kind, wish.child, wish.target, wish.onto, wish.author, wish.reason, wish.asked)
    if connection.execute(_BEGUN, row).fetchone() is None:
        return False
    try:
        _measure(connection, kind, wish)
        connection.execute(sql.LOCK, (GRAPH_LOCK,))
        with connection.transaction():
            change = _HOW[kind](connection, wish)
    except (_RefusedError, TooLargeError) as refusal:
        why = TOO_LARGE.format(refusal) if isinstance(refusal, TooLargeError) else str(refusal)
        connection.execute(_ENDED, (why, "", wish.command))
        return False
    connection.execute(_ENDED, ("", change.told(), wish.command))
    thread = thread_today(connection, wish.child)
    outbox.append(connection, "correlator", relinking.records(change, thread, wish.command))
    return True


def _measure(connection: Connection[Any], kind: str, wish: Wish) -> None:
    """Refuse what is too large before anybody has to wait for it; it is looked at again under the lock."""
    if kind == "split":
        walking.component(connection, wish.child)
    elif kind != "merge":
        _piece(connection, wish)


def _begin(connection: Connection[Any], wish: Wish, joined: UUID | None = None) -> Change:
    messages = relinking.messages(connection, wish.child)
    if not messages:
        raise _RefusedError(NO_MAIL)
    if wish.child in (wish.target, wish.onto):
        raise _RefusedError(ITSELF)
    if joined is not None and not relinking.messages(connection, joined):
        raise _RefusedError(NO_TARGET)
    (version,) = connection.execute(sql.NEXT_VERSION).fetchone() or (0,)
    return Change(version=version, messages=messages)


def _unlink(connection: Connection[Any], wish: Wish) -> Change:
    """
    Part a message from another one.

    Of the two pieces that leaves that of the message moves, so only this one is walked, however large the conversation;
    and not to its end, where it turns out to hold.
    """
    assert wish.target is not None
    change = _begin(connection, wish, wish.onto)
    if wish.target in walking.names(connection, wish.child):
        raise _RefusedError(ONE)
    piece = _piece(connection, wish)
    # What only likeness ties is no link of the graph: it must not count again either.
    change.removed = [(message, wish.target) for message in change.messages]
    cuts.add(connection, [(wish.child, wish.target)], wish.command)
    apart = walking.tied(connection, wish.child, wish.target) and wish.target not in piece
    relinking.remove(connection, change.removed, wish.command)
    relinking.move(connection, change, [frozenset(piece)] if apart else [])
    return change


def _piece(connection: Connection[Any], wish: Wish) -> set[UUID]:
    """Return what hangs together with the message once it is parted from the other, or so much of it as shows that."""
    try:
        return walking.component(connection, wish.child, without=wish.target).ids
    except TooLargeError as error:
        if wish.target not in error.near:
            raise
        return error.near


def _split(connection: Connection[Any], wish: Wish) -> Change:
    change = _begin(connection, wish)
    graph = walking.component(connection, wish.child)
    removed = splitting(graph.ids, graph.links, wish.child)
    if not removed:
        raise _RefusedError(FIRST)
    change.removed = sorted({(link.child, link.target) for link in removed})
    cuts.add(connection, {(link.own, link.target) for link in removed}, wish.command)
    _part(connection, change, wish, graph, removed)
    return change


def _part(connection: Connection[Any], change: Change, wish: Wish, graph: Component, removed: frozenset[Link]) -> None:
    relinking.remove(connection, change.removed, wish.command)
    kept = [link for link in graph.links if link not in removed]
    relinking.move(connection, change, parted(graph.ids, kept, wish.child, relinking.seen(connection, graph.ids)))


def _join(connection: Connection[Any], change: Change, wish: Wish, onto: UUID) -> None:
    cuts.mend(connection, wish.child, onto)
    relinking.link(connection, change, onto, wish.onto_mid, wish.command)
    relinking.merge(connection, change, wish.child, onto, wish.command)


def _merge(connection: Connection[Any], wish: Wish) -> Change:
    """Join two conversations, which are the threads of the two messages: neither needs to be walked."""
    assert wish.target is not None
    change = _begin(connection, wish, wish.target)
    if thread_today(connection, wish.child) == thread_today(connection, wish.target):
        raise _RefusedError(TOGETHER)
    _join(connection, change, wish, wish.target)
    return change


def _relink(connection: Connection[Any], wish: Wish) -> Change:
    assert wish.onto is not None
    change = _unlink(connection, wish)
    if wish.onto in walking.following(connection, wish.child):
        raise _RefusedError(CIRCLE)
    _join(connection, change, wish, wish.onto)
    return change


_HOW: Mapping[str, Callable[[Connection[Any], Wish], Change]] = {
    "unlink": _unlink,
    "split": _split,
    "merge": _merge,
    "relink": _relink,
}
