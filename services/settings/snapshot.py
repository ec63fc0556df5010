"""All settings at one version, as an immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeVar

from services.settings.declaring import Strict
from services.settings.models import FolderRule, MailboxSettings, Principal, ServerProfile, split, validate
from services.settings.organization import Organization

T = TypeVar("T")


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The settings in force. ``mailboxes`` by address, ``profiles``, ``principals`` and ``rules`` by id."""

    version: int = 0
    organization: Organization = field(default_factory=Organization)
    profiles: Mapping[str, ServerProfile] = field(default_factory=_nothing)
    mailboxes: Mapping[str, MailboxSettings] = field(default_factory=_nothing)
    principals: Mapping[str, Principal] = field(default_factory=_nothing)
    rules: Mapping[str, FolderRule] = field(default_factory=_nothing)

    def profile_of(self, mailbox: str) -> ServerProfile | None:
        """Return the server profile of a mailbox; None where it names none, or one of both is not there."""
        settings = self.mailboxes.get(mailbox)
        return None if settings is None else self.profiles.get(settings.server)


EMPTY = Snapshot()


def apply(snapshot: Snapshot, key: str, version: int, value: Any | None) -> Snapshot:  # noqa: ANN401 - parsed JSON
    """
    Return the snapshot with one object set, or removed when ``value`` is None (the organisation: set to defaults).

    ``Refused`` when the value is invalid; the given snapshot is never changed.
    """
    model = validate(key, value) if value is not None else None
    kind, name = split(key)
    newest = max(version, snapshot.version)
    if kind == "organization":
        organization = model if isinstance(model, Organization) else Organization()
        return replace(snapshot, version=newest, organization=organization)
    if kind == "server-profile":
        return replace(snapshot, version=newest, profiles=_with(snapshot.profiles, name, model))
    if kind == "mailbox":
        return replace(snapshot, version=newest, mailboxes=_with(snapshot.mailboxes, name, model))
    if kind == "folder-rule":
        return replace(snapshot, version=newest, rules=_with(snapshot.rules, name, model))
    return replace(snapshot, version=newest, principals=_with(snapshot.principals, name, model))


def _with(members: Mapping[str, T], name: str, model: Strict | None) -> Mapping[str, T]:
    changed: dict[str, Any] = dict(members)
    if model is None:
        changed.pop(name, None)
    else:
        changed[name] = model
    return MappingProxyType(changed)
