"""Who is told of an alert under the settings in force, and the alerts that are open when these change."""

import logging
import threading
from collections.abc import Callable, Collection
from typing import Protocol

from services.domain.addressees import Affected, addressees
from services.domain.alerts import Key
from services.domain.directory import RecordRef
from services.domain.errors import MailweaveError
from services.domain.identity import Direction
from services.settings.models import MailboxSettings, ServerProfile
from services.settings.snapshot import Snapshot

log = logging.getLogger(__name__)

SECONDS = 0.5


def addressed(key: Key, snapshot: Snapshot) -> tuple[RecordRef, ...]:
    """Return who is told of the alert of a key; nobody where it is about neither a mailbox nor a server profile."""
    kind, _, name = key.object.partition("/")
    mailboxes: Collection[MailboxSettings] = ()
    profile: ServerProfile | None = None
    if kind == "mailbox" and name in snapshot.mailboxes:
        mailboxes, profile = [snapshot.mailboxes[name]], snapshot.profile_of(name)
    elif kind == "server-profile":
        profile = snapshot.profiles.get(name)
        mailboxes = [m for m in snapshot.mailboxes.values() if m.server_profile == name]
    owner = profile.owner if profile is not None else None
    affected = Affected(
        mailbox_owners={RecordRef(m.owner.type, m.owner.id) for m in mailboxes if m.owner is not None},
        profile_owner=RecordRef(owner.type, owner.id) if owner is not None else None,
        profile_logs_in=profile is not None and _logs_in(profile, key.direction),
    )
    return addressees(
        key.code, affected, notify_mailbox_owner=snapshot.organization.alerts_notify_mailbox_owner
    )  # fmt: skip


def _logs_in(profile: ServerProfile, direction: str) -> bool:
    if direction == Direction.OUTGOING and not profile.use_same_for_outgoing:
        return profile.outgoing_credential_retrieval == "profile"
    return profile.credential_retrieval == "profile"


class OpenAlerts(Protocol):
    """The open alerts; the true ones are :class:`services.alerter.store.AlertStore`."""

    def readdress(self) -> None:
        """Address the open alerts anew; durable on return."""


class Readdressing:
    """Has open alerts addressed by the settings, each time that these have changed, and at the start."""

    def __init__(self, alerts: OpenAlerts, version: Callable[[], int]) -> None:
        self._alerts = alerts
        self._version = version

    def run(self, stop: threading.Event) -> None:
        """Follow the settings until told to stop; when the database is away, try again."""
        done = -1
        while not stop.is_set():
            version = self._version()
            try:
                if version != done:
                    self._alerts.readdress()
                    done = version
            except MailweaveError as error:
                log.warning("open alerts cannot be addressed now: %s", error)
            except Exception:
                log.exception("open alerts cannot be addressed now")
            stop.wait(SECONDS)
