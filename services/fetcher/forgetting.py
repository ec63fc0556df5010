"""
Forgets cursors and ids of folders that the server no longer has and nothing asks for; deliveries stay.

A folder that comes back later is read from its start: under its name or id its mails are known by their deliveries,
and only what comes back under another name is taken anew.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from services.domain.forgetting import FolderAbsences, absences
from services.fetcher.choosing import Place, Wanted
from services.fetcher.folder_rows import Known
from services.fetcher.folders import Folder, folder_id
from services.fetcher.ledger import Ledger
from services.fetcher.position import Position


def forget(
    ledger: Ledger,
    known: Known,
    wanted: Wanted,
    listing: Sequence[Folder],
    places: Sequence[Place],
    *,
    now: datetime,
) -> None:
    """
    Note what is gone and what is back, and forget what was gone for too long, by a listing of all folders.

    ``places`` are what was chosen of it. Writes nothing when nothing has changed; raises ``FenceLost`` when outrun.
    """
    names = {*wanted.folders, *wanted.rules, *(place.name for place in places)}
    here = {folder_id(name, None) for name in names}
    there = _there(known.cursors.values(), listing, here)
    # A folder that was never read has left nothing to come back to, only why it could not be read.
    never = {at.folder_id for at in known.cursors.values() if not at.uidvalidity}
    vain = {id_ for id_ in never if folder_id(known.cursors[id_].folder, None) not in here}
    cursors = absences(known.cursors.keys() - never, known.cursors_gone, there, now)
    cursors = replace(cursors, forgotten=cursors.forgotten | vain)
    ids = absences(known.ids, known.ids_gone, _asked(known, wanted, listing, places), now)
    if cursors or ids:
        ledger.forget(FolderAbsences(cursors, ids))


def _there(cursors: Collection[Position], listing: Sequence[Folder], asked: Collection[str]) -> set[str]:
    """Return the cursors of folders that the server has or the settings name, which may come to be any time."""
    identified = {folder_id(one.name, _id(one)) for one in listing}
    # Without ids a name is all that tells.
    named = {folder_id(one.name, None) for one in listing if _id(one) is None} | set(asked)
    return {at.folder_id for at in cursors if at.folder_id in identified or folder_id(at.folder, None) in named}


def _asked(known: Known, wanted: Wanted, listing: Sequence[Folder], places: Sequence[Place]) -> set[str]:
    """Return what asks for folders and is answered by the listing, or asks still; all of it when it tells no ids."""
    listed = {_id(one) for one in listing} - {None}
    if not listed:
        return set(known.ids)
    asking = {*wanted.folders, *(f"{rule}/{name}" for name, rule in wanted.rules.items()), *(p.asked for p in places)}
    return {asked for asked, id_ in known.ids.items() if id_ in listed or asked in asking}


def _id(folder: Folder) -> str | None:
    return folder.status.mailbox_id if folder.status is not None else None
