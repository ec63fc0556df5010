"""Which mail is older than what a mailbox is to be read from (domain section 1.4, "Process e-mails received after")."""

from datetime import datetime


def start_of(profile: datetime | None, mailbox: datetime | None) -> datetime | None:
    """Return the later of the two dates: what the profile asks for no mailbox can undercut; None without any."""
    return max((date for date in (profile, mailbox) if date is not None), default=None)


def is_before(received: datetime | None, start: datetime | None) -> bool:
    """Whether mail of that date is passed over; mail without a date never is."""
    return received is not None and start is not None and received < start
