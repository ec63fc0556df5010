"""Which mailboxes the settings allow to be read, and to have mail pushed to them."""

from services.domain.approval import Permit, permit
from services.settings.models import MailboxSettings
from services.settings.snapshot import Snapshot


def permit_of(snapshot: Snapshot, mailbox: str) -> Permit:
    """
    Return whether a mailbox may be read on its server; one that the settings do not name is deactivated.

    So is one that receives otherwise (``incoming``), and one whose server profile is not there: between two records of
    one change, the settings may lack it.
    """
    settings = snapshot.mailboxes.get(mailbox)
    if settings is None or settings.incoming != "sss" or settings.server_profile not in snapshot.profiles:
        return Permit.DEACTIVATED
    return _permit(snapshot, settings)


def push_permit_of(snapshot: Snapshot, mailbox: str) -> Permit:
    """Return whether mail that is pushed to a mailbox may be taken: one that is read may be pushed to as well."""
    settings = snapshot.mailboxes.get(mailbox)
    if settings is not None and settings.incoming == "push":
        return _permit(snapshot, settings)
    return permit_of(snapshot, mailbox)


def _permit(snapshot: Snapshot, settings: MailboxSettings) -> Permit:
    return permit(
        wanted=settings.enabled,
        approved=settings.approved,
        owner=settings.owner.type if settings.owner else None,
        users_only=snapshot.organization.approval_users_only,
        queues_only=snapshot.organization.approval_queues_only,
    )


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
