"""What settings objects ask of each other. One of them alone cannot tell."""

from collections.abc import Mapping
from typing import Any

from services.domain.errors import Refused
from services.settings import snapshot as snapshots
from services.settings.models import MailboxSettings
from services.settings.snapshot import Snapshot


def applied(snapshot: Snapshot, changes: Mapping[str, Any]) -> Snapshot:
    """Return the settings as publishing these changes would make them; ``Refused`` when it would be refused."""
    after = snapshot
    for key, value in changes.items():
        after = snapshots.apply(after, key, after.version, value)
    check(after)
    return after


def check(after: Snapshot) -> None:
    """``Refused`` when an object refers to one that is missing, or to one that cannot do what is asked."""
    for address, mailbox in after.mailboxes.items():
        if not mailbox.server_profile:
            continue
        if mailbox.server_profile not in after.profiles:
            raise Refused(
                f"mailbox/{address}: serverProfile is {mailbox.server_profile!r}, but there is no "
                f"server-profile/{mailbox.server_profile}: add it first, or remove the mailbox"
            )
        _check_protocol(address, mailbox, after.profiles[mailbox.server_profile].protocol)
    for name, profile in after.profiles.items():
        if profile.protocol == "pop3" and profile.auth != "auto":
            raise Refused(
                f'server-profile/{name}: auth is "{profile.auth}", but over POP3 a password is sent by USER and PASS '
                "and a token by XOAUTH2: set it to auto"
            )
    template = after.organization
    default = template.defaults_server_profile
    if default is not None and default not in after.profiles:
        raise Refused(
            f"organization: defaults.serverProfileId is {default!r}, but there is no server-profile/{default}: "
            "add it first, or set the id of another one"
        )
    if template.defaults_act == "sss":
        raise Refused(
            'organization: defaults.act is "sss", but servers are reached by IMAP and POP3, which have no '
            "appointments, contacts and tasks: set it to none or client"
        )


def _check_protocol(address: str, mailbox: MailboxSettings, protocol: str) -> None:
    """Refuse what the protocol of the mailbox's server profile has not."""
    if protocol == "pop3" and tuple(folder.upper() for folder in mailbox.folders) != ("INBOX",):
        raise Refused(
            f'mailbox/{address}: folders is {list(mailbox.folders)}, but POP3 has one folder: set it to ["INBOX"], or '
            "take a server profile for IMAP"
        )
    if mailbox.process_and_delete and protocol != "pop3":
        raise Refused(
            f"mailbox/{address}: processAndDelete is true, but mail is deleted by POP3 only: set it to false, or take "
            "a server profile for POP3"
        )
    of_queue = mailbox.owner is not None and mailbox.owner.type == "queue"
    if mailbox.process_and_delete and not (of_queue or mailbox.is_forward_mailbox):
        raise Refused(
            f"mailbox/{address}: processAndDelete is true, but only the mail of a queue or of a forward mailbox may be "
            "deleted: set it to false, make a queue the owner, or set isForwardMailbox to true"
        )
