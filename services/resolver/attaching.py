"""Writes which parts of a mail are attachments of its activity, and which were left out and why."""

from typing import Any

import psycopg

from services.domain.message import Part, PartRole
from services.resolver.changes import Filing
from services.storage.inserting import upsert

_PART = ("activity_id", "path", "name", "type", "size", "sha256", "content_id", "inline")


def write(connection: psycopg.Connection[Any], filing: Filing) -> None:
    """Write them for the activities that this transaction creates: later they stay, whatever the limits are then."""
    made = {one: form.attachments for one in filing.created if (form := filing.activities[one][1]) is not None}
    kept = [(one, *_row(part)) for one, found in made.items() for part in found.kept]
    dropped = [
        (one, *_row(left_out.part), left_out.reason, left_out.detail)
        for one, found in made.items()
        for left_out in found.dropped
    ]
    upsert(connection, "resolver.attachment", _PART, kept, key=("activity_id", "path"))
    columns = (*_PART, "reason", "detail")
    upsert(connection, "resolver.dropped_attachment", columns, dropped, key=("activity_id", "path"))


def _row(part: Part) -> tuple[Any, ...]:
    return (
        part.path,
        part.filename,
        part.content_type,
        part.size,
        bytes.fromhex(part.sha256),
        part.content_id,
        part.role == PartRole.INLINE,
    )
