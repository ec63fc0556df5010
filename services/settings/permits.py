"""Which mailboxes the settings allow to be read, to have mail pushed to them, and to have it forwarded."""

from services.domain.approval import Permit, permit
from services.domain.polled import Idle, polled, sent_for
from services.settings.models import FolderRule
from services.settings.objects import logins
from services.settings.snapshot import Snapshot

PUSHED_TO = ("sss", "push")  # what is read may be pushed to as well


def permit_of(snapshot: Snapshot, mailbox: str) -> Permit:
    """
    Return what the settings say of a mailbox, whatever its methods; one that they do not name is deactivated.

    So is one whose server profile is not there: between two records of one change, the settings may lack it.
    """
    settings = snapshot.mailboxes.get(mailbox)
    if settings is None or (settings.server_profile is not None and snapshot.profile_of(mailbox) is None):
        return Permit.DEACTIVATED
    return permit(
        wanted=settings.enabled,
        approved=settings.approved,
        owner=settings.owner.type if settings.owner else None,
        users_only=snapshot.organization.approval_users_only,
        queues_only=snapshot.organization.approval_queues_only,
    )


def push_permit_of(snapshot: Snapshot, mailbox: str) -> Permit:
    """Return whether mail that is pushed to a mailbox may be taken; not where it receives otherwise, or nothing."""
    settings = snapshot.mailboxes.get(mailbox)
    if settings is None or settings.incoming not in PUSHED_TO:
        return Permit.DEACTIVATED
    return permit_of(snapshot, mailbox)


def forwarding(snapshot: Snapshot) -> frozenset[str]:
    """Return the mailboxes that receive by a forward mailbox, as far as they are wanted and approved."""
    return frozenset(
        address
        for address, settings in snapshot.mailboxes.items()
        if settings.incoming == "forward" and permit_of(snapshot, address) is Permit.ALLOWED
    )


def collects(snapshot: Snapshot, mailbox: str) -> bool:
    """Whether a mailbox is a forward mailbox: it collects what others forward."""
    settings = snapshot.mailboxes.get(mailbox)
    return settings is not None and settings.is_forward_mailbox


def unpolled(snapshot: Snapshot, mailbox: str) -> Idle | None:
    """Return why the settings have a mailbox that they name not read from its server, its approval apart."""
    settings, profile = snapshot.mailboxes[mailbox], snapshot.profile_of(mailbox)
    login = profile is not None and logins.incoming(settings, profile) is not None
    return polled(
        incoming=settings.incoming,
        profile_active=profile is not None and profile.active,
        credential=login or left_to_routers(snapshot),
    )


def unsent(snapshot: Snapshot, mailbox: str) -> Idle | None:
    """Return why the settings have nothing sent for a mailbox that they name, its approval apart."""
    settings, profile = snapshot.mailboxes[mailbox], snapshot.profile_of(mailbox)
    if profile is None:
        return sent_for(outgoing=settings.outgoing, server=False, profile_active=False, credential=False)
    login = profile.outgoing_auth == "none" or logins.outgoing(settings, profile) is not None
    server = profile.outgoing_host is not None
    return sent_for(outgoing=settings.outgoing, server=server, profile_active=profile.active, credential=login)


def polling_of(snapshot: Snapshot, mailbox: str) -> Permit:
    """Return whether a mailbox may be read from its server; one that is not by its method is deactivated."""
    found = permit_of(snapshot, mailbox)
    return Permit.DEACTIVATED if found is Permit.ALLOWED and unpolled(snapshot, mailbox) else found


def sending_of(snapshot: Snapshot, mailbox: str) -> Permit:
    """
    Return whether mail may be sent for a mailbox.

    Without approval it is deactivated in this direction: the alert that asks for the approval is that of the other.
    """
    allowed = permit_of(snapshot, mailbox) is Permit.ALLOWED and not unsent(snapshot, mailbox)
    return Permit.ALLOWED if allowed else Permit.DEACTIVATED


def readable(snapshot: Snapshot) -> list[str]:
    """Return the mailboxes that may be read from their servers now."""
    return [mailbox for mailbox in snapshot.mailboxes if polling_of(snapshot, mailbox) is Permit.ALLOWED]


def left_to_routers(snapshot: Snapshot) -> bool:
    """Whether mailboxes are read by routers near their servers, and not by the fetcher (domain section 1.1)."""
    return snapshot.organization.processing_engine == "router"


def fetched(snapshot: Snapshot) -> list[str]:
    """Return the mailboxes that the fetcher itself may read now."""
    return [] if left_to_routers(snapshot) else readable(snapshot)


def changed(before: Snapshot, after: Snapshot) -> list[str]:
    """Return the readable mailboxes whose own settings, server or further folders are other than before."""
    for_all = _folders_of_all(before) != _folders_of_all(after)
    rules, old_rules = _rules(after), _rules(before)
    return [
        mailbox
        for mailbox in readable(after)
        if before.mailboxes.get(mailbox) != after.mailboxes[mailbox]
        or before.profile_of(mailbox) != after.profile_of(mailbox)
        or for_all
        or old_rules.get(mailbox) != rules.get(mailbox)
    ]


def _folders_of_all(snapshot: Snapshot) -> tuple[bool, bool]:
    return snapshot.organization.tracking_sent_items, snapshot.organization.tracking_folder_level


def _rules(snapshot: Snapshot) -> dict[str, list[FolderRule]]:
    found: dict[str, list[FolderRule]] = {}
    for _, rule in sorted(snapshot.rules.items()):
        found.setdefault(rule.mailbox, []).append(rule)
    return found
