"""A mailbox whose life a test watches: the true checker on a real server, and what is stored of it."""

from datetime import UTC, datetime, timedelta

from services.contracts import decode
from services.domain.alert_codes import kind_of
from services.domain.alerts import Alert, Key, Signal, SignalState, apply
from services.domain.errors import Refused
from services.fetcher import lifecycle
from services.fetcher.checks import Checker
from services.fetcher.mechanisms import Password
from services.settings.models import MailboxSettings, ServerProfile
from services.settings.permits import polling_of
from services.settings.snapshot import Snapshot

NOW = datetime(2026, 11, 28, tzinfo=UTC)


class Living:
    """A second goes by between two things that happen; it logs in with ``password``, or what ``credential`` gives."""

    def __init__(self, outside, server, *, password="secret", credential=None, **settings):
        self.outside, self.mailbox = outside, outside.mailbox
        self.password = password
        self._credential = credential
        self.profile = ServerProfile(host=server.host, port=server.port, tls="none", timeoutSeconds=5)
        self.settings = MailboxSettings(
            address=self.mailbox, serverProfile="p", user=self.mailbox, credential="c", **settings
        )
        self.version = 1
        self.now = NOW

    def change(self, **fields):
        """Change the settings of the mailbox."""
        self.version += 1
        self.settings = self.settings.model_copy(update=fields)

    @property
    def snapshot(self):
        return Snapshot(version=self.version, mailboxes={self.mailbox: self.settings}, profiles={"p": self.profile})

    def check(self, awake=None):
        """Check as the service does, over what idled if anything did; return code and delay of the end."""
        self.now += timedelta(seconds=1)
        ports = self.outside.ports
        checker = Checker(
            settings=lambda: self.snapshot,
            ports=lambda: type(ports)(
                database=ports.database, blobs=ports.blobs, send=ports.send, now=lambda: self.now
            ),
            credential=lambda _ports, _name: (self._credential or self._password)(),
            chance=lambda: 0.0,
            log_key=b"x",
        )
        ended = checker.check(self.mailbox, lambda: True, awake)
        assert not ended.world, ended
        return ended.code, ended.delay

    def _password(self):
        if self.password is None:
            raise Refused("there is no such credential")
        return Password(self.password)

    def settle(self, snapshot=None):
        """Have the settings noted as the service does each minute."""
        self.now += timedelta(seconds=1)
        given = self.snapshot if snapshot is None else snapshot
        permits = {mailbox: polling_of(given, mailbox) for mailbox in given.mailboxes}
        lifecycle.settle(self.outside.ports.database, permits, given.version, self.now)

    def state(self):
        """Return phase and reason."""
        query = "SELECT phase, reason FROM fetcher.mailbox_state WHERE mailbox = %(mailbox)s"
        return self.outside.rows(query)[0]

    def transitions(self):
        query = "SELECT to_phase, cause FROM fetcher.mailbox_transition WHERE mailbox = %(mailbox)s ORDER BY id"
        return self.outside.rows(query)

    def tested(self):
        query = "SELECT test_result, test_detail FROM fetcher.mailbox_state WHERE mailbox = %(mailbox)s"
        return self.outside.rows(query)[0]

    def signals(self):
        """Return what the mailbox's signals say, in order."""
        rows = self.outside.rows("SELECT id, value FROM fetcher.outbox WHERE topic = 'alert-signals' ORDER BY id")
        return [
            Signal(
                key=Key(r["object"], r["code"], r["direction"]),
                state=SignalState(r["state"]),
                observed=r["observed"],
                fence=r["fence"],
                place=(0, number),
            )
            for number, r in ((number, decode(value)[1]) for number, value in rows)
            if r["object"] == f"mailbox/{self.mailbox}"
        ]

    def open_alerts(self):
        """Return the codes of the alerts that the alerter would have open after these signals."""
        alerts: dict[Key, Alert] = {}
        for signal in self.signals():
            kind = kind_of(signal.key.code)
            alerts[signal.key], _ = apply(alerts.get(signal.key), signal, kind, shown=True)
        return sorted(key.code for key, alert in alerts.items() if alert.open)
