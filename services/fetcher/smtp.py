"""
One connection of a mail server that pushes: LMTP (RFC 2033) or SMTP (RFC 5321), on top of aiosmtpd.

DATA is read here and not by aiosmtpd, which would hold each mail whole in memory and refuse lines of more than 1,000
bytes. Its own replies have no enhanced status codes, so those are not announced (RFC 2034).
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

from services.fetcher import replies
from services.fetcher.envelopes import Hooks
from services.fetcher.intake import Intake
from services.fetcher.spooling import Spool
from services.fetcher.transparency import content
from services.fetcher.wire import SLOWEST_BYTES_PER_SECOND
from services.settings.snapshot import Snapshot

PIECE_BYTES = 64 * 1024
IDLE_SECONDS = 300.0  # RFC 5321 section 4.5.3.2.7
SLOT_SECONDS = 60.0  # a sender waits for two minutes (RFC 5321 section 4.5.3.2.4)


@dataclass(kw_only=True)
class Shared:
    """What the connections of a listener have in common. ``refused`` says why a peer may not speak, or is empty."""

    settings: Callable[[], Snapshot]
    intake: Intake
    refused: Callable[[Any], str]
    hostname: str
    tls: ssl.SSLContext | None
    open: set["Conversation"] = field(default_factory=set)


class Conversation(SMTP):
    """A connection over SMTP: one answer to DATA."""

    line_length_limit = PIECE_BYTES
    source = "smtp"

    def __init__(self, shared: Shared) -> None:
        self._hooks = Hooks(shared.settings, self.source)
        super().__init__(
            self._hooks,
            data_size_limit=None,
            enable_SMTPUTF8=True,
            hostname=shared.hostname,
            ident="Mailweave",
            tls_context=shared.tls,
            timeout=IDLE_SECONDS,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )
        self._shared = shared
        self.gone: asyncio.Future[None] = self.loop.create_future()
        self._work: Future[str] | None = None
        self._rest = b""
        self._taking = self._leaving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio, a second time after STARTTLS."""
        self._shared.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Called by asyncio, and by aiosmtpd too after a failed STARTTLS."""
        self._shared.open.discard(self)
        if not self.gone.done():
            self.gone.set_result(None)
        # Why it is lost matters to nobody, and an error that nobody asks for becomes a traceback in the log.
        super().connection_lost(None)

    def goodbye(self) -> None:
        """End the connection: at once, or when a mail that is whole has its answer."""
        self._leaving = True
        if not self._taking:
            self._close()

    def abort(self) -> None:
        """Drop the connection."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def _close(self) -> None:
        if isinstance(self.transport, asyncio.Transport):
            self.transport.write(f"{replies.STOPPING}\r\n".encode())
            self.transport.close()

    async def _handle_client(self) -> None:
        # aiosmtpd has no hook for the moment of the greeting.
        assert self.session is not None
        with suppress(ConnectionError):
            if refusal := self._shared.refused(self.session.peer):
                self._hooks.refuse("connection", refusal)
                await self.push(refusal)
                self._writer.close()
                return
            await super()._handle_client()

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        # The parser of the standard library breaks in several ways on what is no address.
        try:
            return super()._getaddr(arg)
        except Exception:  # noqa: BLE001
            return None, None

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Read a mail and answer once it is durable, or say why it is not taken."""
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if arg or not self.envelope.rcpt_tos:
            await self.push(replies.NO_ARGUMENT if arg else replies.NO_RECIPIENT)
            return
        spool = await self._shared.intake.begin(SLOT_SECONDS)
        if spool is None:
            await self.push(self._hooks.refuse("busy", replies.BUSY))
            self._set_post_data_state()
            return
        self._work = None
        try:
            await self.push(replies.GO_ON)
            reply = await self._read(spool) or await self._take(spool, self.envelope.rcpt_tos)
            for answer in self._answers(reply, self.envelope.rcpt_tos):
                await self.push(answer)
        finally:
            self._taking = False
            self._shared.intake.end(spool, self._work)
            self._set_post_data_state()
        if self._leaving:
            self._close()

    async def _read(self, spool: Spool) -> str:
        """
        Read a mail to its end, and return why it is not taken, or nothing.

        A sender that is silent too long, or too slow on the whole, loses its connection: else eight of them, each with
        a piece now and then, would keep everybody's mail out.
        """
        refusal, piece, size, limit = "", bytearray(), 0, self._hooks.limit()
        self._reset_timeout()
        until = self.loop.time() + IDLE_SECONDS
        async for part in content(self._reader):
            size += len(part)
            if size > limit and not refusal:
                refusal = self._hooks.refuse("too_large", replies.TOO_LARGE)
            if refusal:
                continue  # the idle time is not begun anew, so that an endless mail ends
            piece += part
            if len(piece) >= PIECE_BYTES:
                self._reset_timeout()
                began = self.loop.time()
                refusal = await self._done(self._shared.intake.write(spool, bytes(piece)))
                until += self.loop.time() - began  # a slow store is not the sender's fault
                piece.clear()
                self._reset_timeout(min(IDLE_SECONDS, until + size / SLOWEST_BYTES_PER_SECOND - self.loop.time()))
        self._rest = bytes(piece)
        return refusal

    async def _take(self, spool: Spool, mailboxes: Sequence[str]) -> str:
        self._reset_timeout()
        self._taking = True
        # Two recipients may name one mailbox.
        named = tuple(dict.fromkeys(mailboxes))
        return await self._done(self._shared.intake.take(spool, self._rest, mailboxes=named, source=self.source))

    async def _done(self, work: "Future[str]") -> str:
        """Wait for work in a thread. It goes on when the client is gone: what is taken is known when it comes again."""
        self._work = work
        reply = await asyncio.shield(asyncio.wrap_future(work))
        return self._hooks.refuse("stores", reply) if reply == replies.STORES else reply

    def _answers(self, reply: str, _recipients: Sequence[str]) -> Sequence[str]:
        return (reply,)


class LmtpConversation(LMTP, Conversation):
    """A connection over LMTP: one answer for each recipient (RFC 2033 section 4.2)."""

    source = "lmtp"

    def _answers(self, reply: str, recipients: Sequence[str]) -> Sequence[str]:
        return (reply,) * len(recipients)
