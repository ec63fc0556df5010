"""Entries and keys as bytes: what an index outside the process stores."""

import struct
from uuid import UUID

from services.domain.likeness.entries import Entry
from services.domain.likeness.index import Kept
from services.domain.likeness.keys import Key

_FORM = 1
_HEAD = struct.Struct("<B16sQqhQQhBBBB")
_KEY = struct.Struct("<cQq")
_KEPT = struct.Struct("<QbB")
_HABITS = {-1: None, 0: False, 1: True}


def pack_key(key: Key) -> bytes:
    """Return the name of a key: 17 bytes."""
    return _KEY.pack(key.kind.encode(), key.what, key.when)


def pack_entry(entry: Entry) -> bytes:
    """Return an entry as bytes; :func:`unpack_entry` reads them."""
    head = _HEAD.pack(
        _FORM,
        entry.message.bytes,
        entry.conversation,
        entry.second,
        entry.offset,
        entry.subject,
        entry.series,
        entry.number,
        len(entry.sender),
        len(entry.people),
        len(entry.numbers),
        len(entry.sample),
    )
    short = (*entry.sender, *entry.people, *entry.sample)
    return head + struct.pack(f"<{len(short)}I{len(entry.numbers)}Q", *short, *entry.numbers)


def unpack_entry(data: bytes) -> Entry:
    """Return the entry that was packed. ``ValueError`` for anything else."""
    try:
        form, message, conversation, second, offset, subject, series, number, *counts = _HEAD.unpack_from(data)
        senders, people, numbers, sample = counts
        rest = struct.unpack_from(f"<{senders + people + sample}I{numbers}Q", data, _HEAD.size)
    except struct.error as error:
        raise ValueError(f"no packed entry: {error}") from None
    if form != _FORM:
        raise ValueError(f"a packed entry of form {form}")
    short = rest[: senders + people + sample]
    return Entry(
        message=UUID(bytes=message),
        conversation=conversation,
        second=second,
        offset=offset,
        subject=subject,
        sender=short[:senders],
        people=short[senders : senders + people],
        numbers=rest[senders + people + sample :],
        series=series,
        number=number,
        sample=short[senders + people :],
    )


def pack_kept(kept: Kept) -> bytes:
    """Return a mail to be stored as bytes, its keys included: what an index is rebuilt from."""
    habit = -1 if kept.habit is None else int(kept.habit)
    keys = b"".join(map(pack_key, kept.keys))
    return _KEPT.pack(kept.stream, habit, len(kept.keys)) + keys + pack_entry(kept.entry)


def unpack_kept(data: bytes) -> Kept:
    """Return what :func:`pack_kept` packed. ``ValueError`` for anything else."""
    try:
        stream, habit, count = _KEPT.unpack_from(data)
        packed = [_KEY.unpack_from(data, _KEPT.size + number * _KEY.size) for number in range(count)]
    except struct.error as error:
        raise ValueError(f"no packed mail: {error}") from None
    keys = tuple(Key(kind.decode("latin-1"), what, when) for kind, what, when in packed)
    return Kept(unpack_entry(data[_KEPT.size + count * _KEY.size :]), keys, stream, _HABITS[habit])
