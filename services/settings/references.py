"""What settings objects ask of each other. One of them alone cannot tell."""

from services.domain.errors import Refused
from services.settings.snapshot import Snapshot


def check(after: Snapshot) -> None:
    """``Refused`` when an object refers to one that is missing, or to one that cannot do what is asked."""
    for address, mailbox in after.mailboxes.items():
        if mailbox.server_profile not in after.profiles:
            raise Refused(
                f"mailbox/{address}: serverProfile is {mailbox.server_profile!r}, but there is no "
                f"server-profile/{mailbox.server_profile}: add it first, or remove the mailbox"
            )
    template = after.organization
    profile = template.defaults_server_profile
    if profile is not None and profile not in after.profiles:
        raise Refused(
            f"organization: defaults.serverProfileId is {profile!r}, but there is no server-profile/{profile}: "
            "add it first, or set the id of another one"
        )
    if profile is not None and template.defaults_act == "sss":
        raise Refused(
            f'organization: defaults.act is "sss", but server-profile/{profile} is for IMAP, which has no '
            "appointments, contacts and tasks: set it to none or client, or set another defaults.serverProfileId"
        )
