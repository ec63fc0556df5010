"""Who logs in to which server for a mailbox, from what the mailbox and its server profile say together."""

from dataclasses import dataclass

from services.settings.models import MailboxSettings, ServerProfile


@dataclass(frozen=True, slots=True)
class Login:
    """
    A login name with the name of a stored credential.

    ``opens`` is whose mailbox is opened, where that is not the one who logs in; else empty.
    """

    user: str
    credential: str
    opens: str = ""


def incoming(mailbox: MailboxSettings, profile: ServerProfile) -> Login | None:
    """Return who reads the mailbox; None while no credential is named. A mailbox without user has its address."""
    own = mailbox.user or mailbox.address
    if profile.credential_retrieval == "perMailbox":
        return Login(own, mailbox.credential) if mailbox.credential else None
    if profile.credential is None:
        return None
    if profile.use_impersonation and profile.user is not None:
        return Login(profile.user, profile.credential, own)
    return Login(profile.user or own, profile.credential)


def outgoing(mailbox: MailboxSettings, profile: ServerProfile) -> Login | None:
    """Return who sends for the mailbox; None while no credential is named."""
    if profile.use_same_for_outgoing:
        return incoming(mailbox, profile)
    own = mailbox.outgoing_user or mailbox.user or mailbox.address
    if profile.outgoing_credential_retrieval == "perMailbox":
        return Login(own, mailbox.outgoing_credential) if mailbox.outgoing_credential else None
    return Login(profile.outgoing_user or own, profile.outgoing_credential) if profile.outgoing_credential else None
