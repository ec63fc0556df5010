"""What the sender gate says of the sender of a mail that points at a message."""

from enum import StrEnum


class SenderVerdict(StrEnum):
    """Whether a mail may act for a conversation; who judges that looks at participants, records and authentication."""

    PLAUSIBLE = "plausible"  # takes part already, or belongs to the record, or is an own user
    NEW_PARTICIPANT = "new_participant"  # unknown here but authenticated: linked as unverified, changes nothing
    STRANGER = "stranger"  # linked as unverified: changes nothing
    FAILED = "failed"  # authentication says that it is not who it says: blocks what the mail would do
