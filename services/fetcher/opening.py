"""Where to read on in a folder that has just been opened: at its cursor, or from its start when it is numbered anew."""

import logging
from collections.abc import Collection
from dataclasses import replace

from services.fetcher import cursor, folder_rows, former_places
from services.fetcher.deliveries import Database
from services.fetcher.position import Position

log = logging.getLogger(__name__)


def opened(
    database: Database,
    mailbox: str,
    fence: int,
    at: Position,
    *,
    before: Position | None,
    names: Collection[str] | None,
) -> Position:
    """
    Return where to read on, and write it; ``at`` is the start of the folder as the server has opened it, ``before`` the
    cursor that it had.

    UIDs of another epoch mean other mails (RFC 9051 section 2.3.1.1), so a new epoch is read from its start; so is a
    folder that was renamed: ``names`` are those of all folders, None when they are not known. Raises ``FenceLost``.
    """
    # A server that was put back to an older state gives UIDs again, to other mails.
    again = before is not None and at.uidnext <= before.uid
    if before is None or before.uidvalidity != at.uidvalidity or again:
        return _begun(database, mailbox, fence, at, before=before, names=names)
    at = replace(at, uid=before.uid, renumbered=before.renumbered, former_id=before.former_id)
    if at.folder != before.folder:
        cursor.rename(database, mailbox, fence, at)
    if at != before:
        cursor.advance(database, mailbox, fence, (), at)
    return at


def _begun(
    database: Database,
    mailbox: str,
    fence: int,
    at: Position,
    *,
    before: Position | None,
    names: Collection[str] | None,
) -> Position:
    """Return the cursor of a folder without one in this epoch; what is known of it from before goes with it."""
    if before is not None and before.uidvalidity:
        at = replace(at, renumbered=at.uidnext, former_id=before.former_id)
    elif former := folder_rows.former(database, mailbox, at, names):
        at = replace(at, renumbered=at.uidnext, former_id=former)
    else:
        # Where people have flagged mail, some of it is known before the folder is first read.
        known = former_places.any_in(database, mailbox, at.folder_id)
        at = replace(at, renumbered=at.uidnext if known else 0)
        cursor.advance(database, mailbox, fence, (), at)
        return at
    log.info("a folder is numbered anew, or was renamed; known mails keep their deliveries")
    cursor.begin(database, mailbox, fence, at)
    return at
