"""An outgoing server with logins, on a real socket: what it lets in is the test's to say."""

from asyncio import Server as Listening
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from services.fetcher.imap import Server


class Envelopes:
    """Answers a sender with ``reply`` and keeps it; counts mails, of which none must come."""

    def __init__(self, reply="250 OK"):
        self.reply, self.senders, self.logins, self.mails = reply, [], [], 0

    async def handle_MAIL(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        self.senders.append(address)
        envelope.mail_from = address
        return self.reply

    async def handle_DATA(self, _server, _session, _envelope):  # noqa: N802 - aiosmtpd's name
        self.mails += 1
        return "250 OK"


class _Listening(Controller):
    def __init__(self, handler, options, ssl_context):
        self._options = options
        super().__init__(handler, hostname="127.0.0.1", port=0, ssl_context=ssl_context)

    def factory(self):
        return SMTP(self.handler, **self._options)

    def _trigger_server(self):
        """Port 0 is whatever the system gives, and known only now."""
        assert isinstance(self.server, Listening)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def listening(handler, users, *, tls="none", context=None, ca_file=None):
    """Yield the :class:`Server`, which lets in ``users`` by their passwords; ``context`` is that of its TLS."""

    def allowed(_server, _session, _envelope, _mechanism, login):
        handler.logins.append(login.login.decode())
        return AuthResult(success=users.get(login.login.decode()) == login.password.decode(), handled=False)

    starttls = {"tls_context": context} if tls == "starttls" else {}
    options = {"hostname": "localhost", "authenticator": allowed, "auth_require_tls": tls == "starttls", **starttls}
    running = _Listening(handler, options, context if tls == "implicit" else None)
    running.start()
    try:
        yield Server(host="127.0.0.1", port=running.port, tls=tls, seconds=5, ca_file=ca_file)
    finally:
        running.stop()
