"""What the fields of a server profile, and of a mailbox under it, ask of each other."""

from services.domain.errors import Refused
from services.settings.models import MailboxSettings, ServerProfile


def check_profile(name: str, profile: ServerProfile) -> None:
    """``Refused`` when fields of a server profile contradict each other."""
    at = f"server-profile/{name}"
    if profile.credential_retrieval == "profile" and profile.credential is None:
        raise Refused(
            f'{at}: credentialRetrieval is "profile", but credential is not set: give its name, or set it to perMailbox'
        )
    apart = not profile.use_same_for_outgoing
    if apart and profile.outgoing_credential_retrieval == "profile" and profile.outgoing_credential is None:
        raise Refused(
            f'{at}: outgoingCredentialRetrieval is "profile", but outgoingCredential is not set: give its name, or set '
            "it to perMailbox"
        )
    if not profile.use_impersonation:
        return
    if profile.credential_retrieval != "profile" or profile.user is None:
        raise Refused(
            f"{at}: useImpersonation is true, but no user of the profile logs in: set credentialRetrieval to profile, "
            "and user and credential to those of the master user"
        )
    if profile.protocol != "imap" or profile.auth == "login":
        raise Refused(
            f"{at}: useImpersonation is true, but another's mailbox is opened by SASL PLAIN or a token over IMAP only: "
            "set protocol to imap and auth to auto, or leave useImpersonation out"
        )


def check_methods(mailbox: MailboxSettings) -> None:
    """``Refused`` when the methods of a mailbox contradict each other."""
    at = f"mailbox/{mailbox.address}"
    if mailbox.act == "sss":
        raise Refused(
            f'{at}: act is "sss", but servers are reached by IMAP and POP3, which have no appointments, contacts and '
            "tasks: set it to none or client"
        )
    if not mailbox.is_forward_mailbox:
        return
    if mailbox.outgoing != "none":
        raise Refused(f'{at}: outgoing is "{mailbox.outgoing}", but a forward mailbox sends nothing: set it to none')
    if mailbox.owner is not None:
        raise Refused(f"{at}: owner is set, but a forward mailbox belongs to nobody: set owner to null")
    if mailbox.incoming != "sss":
        raise Refused(f'{at}: incoming is "{mailbox.incoming}", but a forward mailbox is read here: set it to sss')
