"""What the listener answers before DATA: which senders and recipients it takes, and what it announces."""

import logging
from collections.abc import Callable
from functools import partial

from aiosmtpd.smtp import SMTP, Envelope, Session

from services.domain.recipients import Disabled, Ours, Unknown, recipient
from services.fetcher import replies
from services.runtime import metrics
from services.settings.permits import push_permit_of
from services.settings.snapshot import Snapshot

log = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
MOST_RECIPIENTS = 100  # RFC 5321 section 4.5.3.1.8


class Hooks:
    """The hooks that aiosmtpd calls by name; ``settings`` are asked at each command."""

    def __init__(self, settings: Callable[[], Snapshot], source: str) -> None:
        self._settings = settings
        self._source = source

    def limit(self) -> int:
        """Return the size of the largest mail that is taken."""
        return self._settings().organization.message_max_mb * MEGABYTE

    def refuse(self, reason: str, reply: str) -> str:
        """Count a refusal and return its reply."""
        metrics.PUSHED.labels(self._source, reason).inc()
        return reply

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Announce what holds now. Nobody logs in here, so AUTH is not announced."""
        session.host_name = hostname
        first, *rest = (r for r in responses if not r.startswith("250-AUTH"))
        return [first, f"250-SIZE {self.limit()}", "250-PIPELINING", *rest]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take any sender whose mail is not too large by its own word (RFC 1870 section 6.1)."""
        for option in options:
            name, _, size = option.partition("=")
            if name == "SIZE" and size.isdecimal() and int(size) > self.limit():
                return self.refuse("too_large", replies.TOO_LARGE)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return replies.SENDER_TAKEN

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient that names a mailbox that may be read, and keep the mailbox in its place."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return self.refuse("too_many_recipients", replies.TOO_MANY_RECIPIENTS)
        settings = self._settings()
        match recipient(address, settings.mailboxes, partial(push_permit_of, settings)):
            case Ours(mailbox):
                envelope.rcpt_tos.append(mailbox)
                return replies.RECIPIENT_TAKEN
            case Disabled():
                return self.refuse("disabled_recipient", replies.DISABLED)
            case Unknown():
                return self.refuse("unknown_recipient", replies.UNKNOWN)

    async def handle_exception(self, error: Exception) -> str:
        """Whatever broke, the sender keeps its mail."""
        log.warning("a command of a mail server broke: %s", type(error).__name__)
        return replies.STORES
