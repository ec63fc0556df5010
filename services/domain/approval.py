"""Whether a mailbox may be read at all: the administrator's wish, and the approval of its address (domain rule 1.6)."""

from enum import StrEnum

from services.domain.directory import QUEUE, USER


class Permit(StrEnum):
    """What the settings allow."""

    ALLOWED = "allowed"
    PENDING = "pending"
    DEACTIVATED = "deactivated"


def permit(*, wanted: bool, approved: bool, owner: str | None, users_only: bool, queues_only: bool) -> Permit:
    """
    Return whether a mailbox may be read; ``owner`` is the type of the record behind it, None where there is none.

    The switches ask for the approval of the mailboxes of users and of queues; one that belongs to nobody needs none.
    """
    if not wanted:
        return Permit.DEACTIVATED
    asked = (owner == USER and users_only) or (owner == QUEUE and queues_only)
    return Permit.PENDING if asked and not approved else Permit.ALLOWED
