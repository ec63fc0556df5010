"""Tests of outgoing servers, beside the checks of mailboxes: when a mailbox may send first, when a person asks."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from services.domain.approval import Permit
from services.domain.errors import MailweaveError, Retry
from services.domain.mailbox_state import Failed, Succeeded
from services.fetcher import marks, outgoing_life, submission
from services.fetcher.authentication import Credential
from services.fetcher.failures import MailServerError
from services.fetcher.polling import Ports
from services.fetcher.protocols import outgoing_server_of
from services.settings.objects import logins
from services.settings.permits import sending_of
from services.settings.snapshot import Snapshot

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
AT_ONCE = 4


@dataclass(kw_only=True)
class OutgoingTests:
    """
    The tests of one replica; see :class:`services.fetcher.checks.Checker` for what it is given.

    A store that is away puts them off; nothing of the world ends ``run``.
    """

    settings: Callable[[], Snapshot]
    ports: Callable[[], Ports]
    credential: Callable[[Ports, str], Credential] = field(repr=False)
    chance: Callable[[], float]
    log_key: bytes = field(repr=False)
    ca_file: Path | None = None
    _seen: Snapshot | None = None

    def run(self, stopping: threading.Event) -> None:
        """Test what is due until ``stopping`` is set; a test that waits for its server is not waited for."""
        pool = ThreadPoolExecutor(AT_ONCE, "outgoing")
        while not stopping.wait(TICK_SECONDS):
            try:
                self.turn(pool)
            except Retry as error:
                log.warning("tests of outgoing servers are put off: %s", error)
        pool.shutdown(wait=False, cancel_futures=True)

    def turn(self, pool: ThreadPoolExecutor) -> None:
        """Bring states to what the settings say when these have changed, and make the tests that are due."""
        snapshot, ports = self.settings(), self.ports()
        if self._seen is None or snapshot.version != self._seen.version:
            permits = {mailbox: sending_of(snapshot, mailbox) for mailbox in snapshot.mailboxes}
            outgoing_life.settle(ports.database, permits, _changed(self._seen, snapshot), snapshot.version, ports.now())
            self._seen = snapshot
        for _ in pool.map(self._guarded, outgoing_life.due(ports.database, ports.now(), AT_ONCE)):
            pass

    def _guarded(self, mailbox: str) -> None:
        mark = {"mailbox": marks.mark(self.log_key, mailbox)}
        try:
            self._test(mailbox, self.settings())
        except Retry as error:
            log.warning("the test of an outgoing server was given up: %s", error, extra=mark)
        except Exception:
            log.exception("the test of an outgoing server broke", extra=mark)

    def _test(self, mailbox: str, snapshot: Snapshot) -> None:
        if sending_of(snapshot, mailbox) is not Permit.ALLOWED:
            return  # its state follows, or another replica knows newer settings
        ports, settings = self.ports(), snapshot.mailboxes[mailbox]
        profile = snapshot.profile_of(mailbox)
        assert profile is not None, "a mailbox without a server does not send"
        login = None if profile.outgoing_auth == "none" else logins.outgoing(settings, profile)
        outgoing_life.began(ports.database, mailbox, snapshot.version, ports.now())
        how: Succeeded | Failed = Succeeded()
        try:
            credential = None if login is None else self.credential(ports, login.credential)
            server = outgoing_server_of(profile, self.ca_file, opens="" if login is None else login.opens)
            submission.probe(server, settings.address, "" if login is None else login.user, credential)
        except MailweaveError as error:
            if isinstance(error, Retry) and not isinstance(error, MailServerError):
                raise
            how = Failed(code=error.code, detail=str(error), permanent=getattr(error, "permanent", True))
        outgoing_life.ended(ports.database, mailbox, how, snapshot.version, ports.now(), chance=self.chance())


def _changed(before: Snapshot | None, after: Snapshot) -> frozenset[str]:
    """Return the mailboxes that are to send otherwise than before."""
    if before is None:
        return frozenset()
    return frozenset(m for m in after.mailboxes if m in before.mailboxes and _way(before, m) != _way(after, m))


def _way(snapshot: Snapshot, mailbox: str) -> object:
    settings, profile = snapshot.mailboxes[mailbox], snapshot.profile_of(mailbox)
    return None if profile is None else (outgoing_server_of(profile), logins.outgoing(settings, profile))
