"""Who is told of an alert: the owners of mailboxes, the owner of the server profile, or neither (domain section 8)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.domain.directory import RecordRef


class Concern(StrEnum):
    """Whose concern an alert is."""

    MAILBOX = "mailbox"
    PROFILE = "profile"
    BOTH = "both"
    LOGIN = "login"  # of the profile where that logs in for its mailboxes, else of the mailbox
    OPERATION = "operation"  # of those who run the installation


CONCERNS: Mapping[str, Concern] = {
    "host_unknown": Concern.PROFILE,
    "unreachable": Concern.BOTH,
    "connection_refused": Concern.PROFILE,
    "connection_lost": Concern.BOTH,
    "timed_out": Concern.BOTH,
    "mail_server": Concern.BOTH,
    "protocol_error": Concern.PROFILE,
    "body_missing": Concern.BOTH,
    "tls_not_offered": Concern.PROFILE,
    "tls_failed": Concern.PROFILE,
    "certificate_not_trusted": Concern.PROFILE,
    "mechanism_unavailable": Concern.BOTH,
    "login_refused": Concern.LOGIN,
    "login_unavailable": Concern.BOTH,
    "consent_withdrawn": Concern.LOGIN,
    "client_refused": Concern.LOGIN,
    "token_endpoint_failed": Concern.LOGIN,
    "mailbox_busy": Concern.MAILBOX,
    "uidl_not_offered": Concern.PROFILE,
    "unforeseen": Concern.BOTH,
    "no_credential": Concern.LOGIN,
    "folder_unknown": Concern.MAILBOX,
    "not_approved": Concern.BOTH,
    "retries_used_up": Concern.BOTH,
    "sender_refused": Concern.MAILBOX,
    "submission_failed": Concern.PROFILE,
    "profile_failing": Concern.PROFILE,
    "test_passed": Concern.MAILBOX,
    "mail_unparsed": Concern.MAILBOX,
    "ingest_stuck": Concern.OPERATION,
    "router_silent": Concern.OPERATION,
    "forward_not_wrapped": Concern.BOTH,
    "forward_several": Concern.BOTH,
    "tokens_forged": Concern.OPERATION,
    "token_unshared": Concern.MAILBOX,
    "sender_unverified": Concern.MAILBOX,
    "likeness_full": Concern.OPERATION,
    "dead_letter": Concern.OPERATION,
    "stage_stopped": Concern.OPERATION,
}
"""By code, after the column *Notified* of domain rule 8.2. One that is not here is the concern of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """The owners of the mailboxes that an alert is about and of their server profile, and which of them logs in."""

    mailbox_owners: Collection[RecordRef] = ()
    profile_owner: RecordRef | None = None
    profile_logs_in: bool = False


def addressees(code: str, affected: Affected, *, notify_mailbox_owner: bool) -> tuple[RecordRef, ...]:
    """
    Return who is told, in a fixed order.

    ``notify_mailbox_owner`` has the owners of mailboxes told of what is the concern of the server profile, too.
    """
    concern = CONCERNS.get(code, Concern.BOTH)
    if concern is Concern.LOGIN:
        concern = Concern.PROFILE if affected.profile_logs_in else Concern.MAILBOX
    told: set[RecordRef] = set()
    if concern in (Concern.MAILBOX, Concern.BOTH) or (concern is Concern.PROFILE and notify_mailbox_owner):
        told.update(affected.mailbox_owners)
    if concern in (Concern.PROFILE, Concern.BOTH) and affected.profile_owner is not None:
        told.add(affected.profile_owner)
    return tuple(sorted(told))
