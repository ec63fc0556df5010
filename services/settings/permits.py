"""Which mailboxes the settings allow to be read, and to have their mail forwarded."""

from services.domain.approval import Permit, permit
from services.settings.models import MailboxSettings
from services.settings.snapshot import Snapshot


def permit_of(snapshot: Snapshot, mailbox: str) -> Permit:
    """
    Return what the settings say of a mailbox; one that they do not name is deactivated.

    So is one that does not receive from its server, and one whose server profile is not there: between two records of
    one change, the settings may lack it.
    """
    settings = snapshot.mailboxes.get(mailbox)
    if settings is None or settings.incoming != "sss" or settings.server_profile not in snapshot.profiles:
        return Permit.DEACTIVATED
    return _permit(snapshot, settings)


def forwarding(snapshot: Snapshot) -> frozenset[str]:
    """Return the mailboxes that receive by a forward mailbox, as far as they are wanted and approved."""
    return frozenset(
        address
        for address, settings in snapshot.mailboxes.items()
        if settings.incoming == "forward" and _permit(snapshot, settings) is Permit.ALLOWED
    )


def _permit(snapshot: Snapshot, settings: MailboxSettings) -> Permit:
    return permit(
        wanted=settings.enabled,
        approved=settings.approved,
        owner=settings.owner.type if settings.owner else None,
        users_only=snapshot.organization.approval_users_only,
        queues_only=snapshot.organization.approval_queues_only,
    )


def forward_mailboxes(snapshot: Snapshot) -> frozenset[str]:
    """Return the mailboxes that collect what others forward."""
    return frozenset(address for address, settings in snapshot.mailboxes.items() if settings.is_forward_mailbox)


def readable(snapshot: Snapshot) -> list[str]:
    """Return the mailboxes that may be read now."""
    return [mailbox for mailbox in snapshot.mailboxes if permit_of(snapshot, mailbox) is Permit.ALLOWED]


def changed(before: Snapshot, after: Snapshot) -> list[str]:
    """Return the readable mailboxes whose own settings, or those of their server, are other than before."""
    return [
        mailbox
        for mailbox in readable(after)
        if before.mailboxes.get(mailbox) != (new := after.mailboxes[mailbox])
        or before.profiles.get(new.server_profile) != after.profiles.get(new.server_profile)
    ]
