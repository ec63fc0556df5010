"""A fetcher's loop on real stores, with mailboxes that idle."""

import threading
import time
from contextlib import closing, contextmanager

from services.fetcher.checks import Checker, Ended
from services.fetcher.dispatch import Dispatcher
from services.fetcher.handover import Blobs
from services.fetcher.idle_limits import IdleLimits
from services.fetcher.leases import Leases
from services.fetcher.mechanisms import Password
from services.fetcher.polling import Ports
from services.settings.models import FolderRule, MailboxSettings, ServerProfile
from services.settings.snapshot import Snapshot
from services.storage.postgres import Database


class Running:
    """``settings`` may be replaced while it runs; ``ended`` holds how each check ended."""

    def __init__(self, outside, redis, server, *, owner="one", mailboxes=None, workers=8, **profile):
        self._outside = outside
        self._own = threading.local()
        self.password = "secret"
        place = {
            "host": server.host,
            "port": server.port,
            "tls": server.tls or "none",
            "timeoutSeconds": 3,
            "pollSeconds": 3600,
        }
        self.profile = ServerProfile(**{**place, **profile})
        self.mailboxes = {
            address: MailboxSettings(address=address, serverProfile="p", user=address, credential="c")
            for address in mailboxes or [outside.mailbox]
        }
        self.rules: dict[str, FolderRule] = {}
        self.version = 1
        self.ended: list[Ended] = []
        self.limits = IdleLimits(polling=8)
        self.leases = Leases(redis, owner, ttl=2.0)
        self.stopping = threading.Event()
        checker = Checker(
            settings=self.snapshot,
            ports=self._ports,
            credential=lambda _ports, _name: Password(self.password),
            chance=lambda: 0.0,
            log_key=b"x",
            ca_file=server.ca_file,
            room=self.limits.room,
        )
        self.dispatcher = Dispatcher(
            self.leases, self.snapshot, checker.check, ended=self.ended.append, limits=self.limits, workers=workers
        )

    def snapshot(self):
        return Snapshot(version=self.version, mailboxes=self.mailboxes, profiles={"p": self.profile}, rules=self.rules)

    def change(self, address, **fields):
        self.mailboxes = {**self.mailboxes, address: self.mailboxes[address].model_copy(update=fields)}
        self.version += 1

    def _ports(self):
        if not hasattr(self._own, "ports"):
            ports = self._outside.ports
            blobs: Blobs = ports.blobs
            self._own.ports = Ports(
                database=Database(self._outside.url, "fetcher"), blobs=blobs, send=ports.send, now=ports.now
            )
        return self._own.ports

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self.dispatcher.run, args=(self.stopping, lambda _: None))
        thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            thread.join(15)
        assert not thread.is_alive()


def until(true, seconds=15.0):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.02)


def append(dovecot, user, *mails, folder="INBOX"):
    """Put mails into a folder of the real server."""
    import imaplib  # noqa: PLC0415 - only where a server is

    client = imaplib.IMAP4(dovecot.host, dovecot.port)
    with closing(client.socket()):
        client.login(user, "secret")
        for mail in mails:
            client.append(folder, "", imaplib.Time2Internaldate(time.time()), mail)
        client.logout()
