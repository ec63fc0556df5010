"""What settings objects ask of each other. One of them alone cannot tell."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from services.domain.errors import Refused
from services.settings import snapshot as snapshots
from services.settings.models import MailboxSettings
from services.settings.objects.rules import check_methods, check_profile
from services.settings.snapshot import Snapshot

MOST_RULES = 25  # of one mailbox (domain rule 3.6): each costs its server an answer


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
        profile = after.profile_of(address)
        if mailbox.server_profile is not None and profile is None:
            raise Refused(
                f"mailbox/{address}: serverProfile is {mailbox.server_profile!r}, but there is no "
                f"server-profile/{mailbox.server_profile}: add it first, or remove the mailbox"
            )
        check_methods(mailbox)
        _check_protocol(address, mailbox, profile.protocol if profile else "")
    for name, profile in after.profiles.items():
        check_profile(name, profile)
        if profile.protocol == "pop3" and profile.auth != "auto":
            raise Refused(
                f'server-profile/{name}: auth is "{profile.auth}", but over POP3 a password is sent by USER and PASS '
                "and a token by XOAUTH2: set it to auto"
            )
    _check_rules(after)
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


def _check_rules(after: Snapshot) -> None:
    """Refuse a folder rule that could never act, or that two rules fight over."""
    folders: dict[tuple[str, str], str] = {}
    for name, rule in after.rules.items():
        mailbox = after.mailboxes.get(rule.mailbox)
        if mailbox is None:
            raise Refused(
                f"folder-rule/{name}: mailbox is {rule.mailbox!r}, but there is no mailbox/{rule.mailbox}: add it "
                "first, or remove the rule"
            )
        if (profile := after.profile_of(rule.mailbox)) is None:
            raise Refused(f"folder-rule/{name}: mailbox {rule.mailbox} is read on no server: remove the rule first")
        if profile.protocol == "pop3":
            raise Refused(
                f"folder-rule/{name}: mailbox {rule.mailbox} is read by POP3, which has one folder: remove it"
            )
        other = folders.setdefault((rule.mailbox, rule.folder), name)
        if other != name:
            raise Refused(
                f"folder-rule/{name}: folder {rule.folder!r} of {rule.mailbox} has folder-rule/{other} already: change "
                "that one, or name another folder"
            )
    counts = Counter(rule.mailbox for rule in after.rules.values())
    for address, count in counts.items():
        if count > MOST_RULES:
            raise Refused(f"mailbox {address} has {count} folder rules: at most {MOST_RULES} are read, remove some")


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
