"""The listener: sockets that mail servers push to, who may connect, and how it stops."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Any

from services.domain.errors import Refused
from services.fetcher import replies
from services.fetcher.binding import bound
from services.fetcher.intake import Intake
from services.fetcher.polling import Ports
from services.fetcher.smtp import Conversation, LmtpConversation, Shared
from services.runtime.listen import Listen
from services.settings.snapshot import Snapshot

CONNECTIONS = 64
DRAIN_SECONDS = 6.0
PROTOCOLS = {"lmtp": LmtpConversation, "smtp": Conversation}


class Listener:
    """
    Takes mail that servers push. Nothing is relayed, and 250 means that the mail is durable.

    Making one binds its sockets; ``Refused`` says which cannot be had. ``produced`` is told how many deliveries were
    new.
    """

    def __init__(
        self,
        config: Listen,
        settings: Callable[[], Snapshot],
        ports: Callable[[], Ports],
        produced: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._settings = settings
        self._ports = ports
        self._produced = produced
        self._tls = _tls(config)
        self._sockets = {
            source: bound(f"MAILWEAVE_{source.upper()}", address, CONNECTIONS)
            for source, address in config.addresses.items()
        }

    @property
    def ports(self) -> Mapping[str, int]:
        """The TCP port of each protocol, ``lmtp`` and ``smtp``."""
        return {source: bound.getsockname()[1] for source, bound in self._sockets.items()}

    def run(self, stopping: threading.Event) -> None:
        """
        Serve until ``stopping`` is set; then mails that have come whole get their answer, all others 421.

        Blocks. What has no answer after six seconds is sent again by its sender.
        """
        asyncio.run(self._serve(stopping))

    async def _serve(self, stopping: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        with closing(Intake(self._ports, self._produced)) as intake:
            shared = Shared(
                settings=self._settings,
                intake=intake,
                refused=lambda peer: self._refused(peer, len(shared.open)),
                hostname=socket.gethostname(),
                tls=self._tls,
            )
            servers = [
                await loop.create_server(partial(PROTOCOLS[source], shared), sock=bound)
                for source, bound in self._sockets.items()
            ]
            await asyncio.to_thread(stopping.wait)
            for server in servers:
                server.close()
            await _farewell(shared)

    def _refused(self, peer: Any, connections: int) -> str:  # noqa: ANN401 - what asyncio says of a socket
        if connections > CONNECTIONS:
            return replies.TOO_MANY_CONNECTIONS
        address = ip_address(peer[0].partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return "" if any(address in network for network in self._config.networks) else replies.FORBIDDEN


async def _farewell(shared: Shared) -> None:
    left = list(shared.open)
    for conversation in left:
        conversation.goodbye()
    if left:
        await asyncio.wait([conversation.gone for conversation in left], timeout=DRAIN_SECONDS)
    for conversation in left:
        conversation.abort()


def _tls(config: Listen) -> ssl.SSLContext | None:
    if config.certificate is None:
        if config.key is not None:
            raise Refused("MAILWEAVE_LISTEN_KEY is given without MAILWEAVE_LISTEN_CERT.")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.certificate, config.key)
    except (OSError, ssl.SSLError) as error:
        raise Refused(
            f"MAILWEAVE_LISTEN_CERT and MAILWEAVE_LISTEN_KEY: no certificate with its key in PEM ({error})."
        ) from error
    return context
