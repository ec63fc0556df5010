"""Which folders of a mailbox are read: those that its settings name, Sent, and those that have a rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from services.fetcher.folders import Folder, role
from services.settings.snapshot import Snapshot

INBOX = "INBOX"
UNREADABLE = frozenset({"\\noselect", "\\nonexistent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the settings want of a mailbox; ``rules`` are the keys of folder rules by the name of their folder."""

    folders: Sequence[str]
    sent: bool = False
    rules: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def count(self) -> int:
        """How many folders that makes, if all are there."""
        return len(self.folders) + self.sent + len(self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    A folder that is read, by its name now.

    ``asked`` is under what the settings ask for it; ``tracked_by`` is the rule by which its mail is tracked whatever
    filters say, or empty.
    """

    name: str
    role: str
    asked: str
    tracked_by: str = ""
    folder: Folder | None = None

    @property
    def inbox(self) -> bool:
        """Whether it is the folder that mail comes into."""
        return _same(self.name) == INBOX


def wanted_of(snapshot: Snapshot, mailbox: str) -> Wanted:
    """Return what the settings want of a mailbox that they name. Rules act while folder-level tracking is on."""
    organization = snapshot.organization
    rules = {
        rule.folder: f"folder-rule/{name}"
        for name, rule in sorted(snapshot.rules.items())
        if organization.tracking_folder_level and rule.enabled and rule.mailbox == mailbox
    }
    folders = snapshot.mailboxes[mailbox].folders
    return Wanted(folders=folders, sent=organization.tracking_sent_items, rules=MappingProxyType(rules))


def choose(
    wanted: Wanted, listing: Sequence[Folder], known_as: Mapping[str, str] = MappingProxyType({})
) -> list[Place]:
    """
    Return the folders to be read, each once, those of rules among them.

    ``known_as`` has the ids (RFC 8474) by which folders were known that the settings name, so that one which was
    renamed since is found. A rule's folder that is gone is not taken over by another of its name (domain rule 3.6).
    The inbox is where mail comes in, whatever became of the folder that was it.
    """
    by_id = {f.status.mailbox_id: f for f in listing if f.status is not None and f.status.mailbox_id}
    by_name = {_same(f.name): f for f in listing}
    places: dict[str, Place] = {}
    asked = [
        *((name, f"{rule}/{name}", rule) for name, rule in wanted.rules.items()),
        *((name, name, "") for name in wanted.folders),
        *((f.name, f.name, "") for f in listing if wanted.sent and readable(f) and role(f.name, listing) == "sent"),
    ]
    for name, key, rule in asked:
        id_ = None if _same(name) == INBOX else known_as.get(key)
        folder = by_id.get(id_ or "") or by_name.get(_same(name))
        if rule and folder is not None and id_ is not None and _id(folder) not in (None, id_):
            folder = None
            now = f"{name} (gone; another folder has its name)"
        else:
            now = folder.name if folder is not None else name
        place = Place(name=now, role=role(now, listing), asked=key, tracked_by=rule, folder=folder)
        places.setdefault(_same(now), place)
    return list(places.values())


def readable(folder: Folder) -> bool:
    """Whether a folder holds mail at all."""
    return not folder.attributes & UNREADABLE


def _id(folder: Folder) -> str | None:
    return folder.status.mailbox_id if folder.status is not None else None


def _same(name: str) -> str:
    """INBOX is one folder however it is written (RFC 9051 section 5.1)."""
    return INBOX if name.upper() == INBOX else name
