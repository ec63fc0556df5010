"""The endpoint's socket: bound at the start, encrypted, closed in order."""

import asyncio
import logging
import random
import ssl
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from aiohttp import web

from services.domain.errors import Refused
from services.fetcher.binding import bound
from services.fetcher.endpoint.admission import Admission
from services.fetcher.endpoint.desk import Desk
from services.fetcher.endpoint.serving import Service
from services.fetcher.polling import Ports
from services.runtime.listen import Endpoint
from services.settings.snapshot import Snapshot

CONNECTIONS = 64
IDLE_SECONDS = 15.0  # of a connection without a request that has come whole up to its headers
DRAIN_SECONDS = 6.0
RENEW_SECONDS = 60.0

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# aiohttp's own lines would quote a header that it cannot read, and so a token.
_SILENT = logging.getLogger(f"{__name__}.http")
_SILENT.disabled = True


class Server:
    """
    Takes mail that routers hand in.

    Making one binds its socket; ``Refused`` says why that cannot be, or why it would go unencrypted. ``produced`` is
    told how many deliveries were new.
    """

    def __init__(
        self,
        config: Endpoint,
        settings: Callable[[], Snapshot],
        ports: Callable[[], Ports],
        produced: Callable[[int], None] = lambda _: None,
    ) -> None:
        assert config.address is not None
        self._config = config
        self._admission = Admission(settings=settings, ports=ports)
        self._desk = Desk(ports=ports, produced=produced, chance=random.SystemRandom().random)
        self._tls = _tls(config)
        self._socket = bound("MAILWEAVE_ENDPOINT", config.address, CONNECTIONS)

    @property
    def port(self) -> int:
        """The TCP port that is listened on."""
        return int(self._socket.getsockname()[1])

    def run(self, stopping: threading.Event) -> None:
        """Serve until ``stopping`` is set. Blocks. What has no answer six seconds later is handed in again."""
        asyncio.run(self._serve(stopping))

    async def _serve(self, stopping: threading.Event) -> None:
        with closing(Service(self._admission, self._desk)) as service:
            runner = web.AppRunner(
                service.application(),
                handle_signals=False,
                access_log=None,
                logger=_SILENT,
                auto_decompress=False,
                keepalive_timeout=IDLE_SECONDS,
                shutdown_timeout=DRAIN_SECONDS,
            )
            await runner.setup()
            server = runner.server
            assert server is not None

            def protocol() -> asyncio.Protocol:
                return _Full() if len(server.connections) >= CONNECTIONS else server()

            listening = await asyncio.get_running_loop().create_server(
                protocol, sock=self._socket, ssl=self._tls, ssl_handshake_timeout=IDLE_SECONDS if self._tls else None
            )
            renewing = asyncio.create_task(self._renewed())
            await asyncio.to_thread(stopping.wait)
            renewing.cancel()
            listening.close()
            await runner.cleanup()

    async def _renewed(self) -> None:
        """Take a renewed certificate from its file; one that cannot be read leaves the old one in use."""
        seen = _changed(self._config)
        while self._tls is not None:
            await asyncio.sleep(RENEW_SECONDS)
            if (now := _changed(self._config)) != seen:
                seen = now
                with suppress(Refused):
                    # First into one that nobody uses: a certificate without its key yet would spoil the old pair.
                    _tls(self._config)
                    assert self._config.certificate is not None
                    self._tls.load_cert_chain(self._config.certificate, self._config.key)


class _Full(asyncio.Protocol):
    """Closes a connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _changed(config: Endpoint) -> list[float]:
    files: list[Path] = [path for path in (config.certificate, config.key) if path is not None]
    with suppress(OSError):
        return [path.stat().st_mtime for path in files]
    return []


def _tls(config: Endpoint) -> ssl.SSLContext | None:
    assert config.address is not None
    if config.certificate is None:
        if config.plain and config.address.host in _LOOPBACK:
            return None
        raise Refused(
            "MAILWEAVE_ENDPOINT needs MAILWEAVE_ENDPOINT_CERT, and MAILWEAVE_ENDPOINT_KEY where the key is not in the "
            "same file. Without them it listens on loopback alone, and only with MAILWEAVE_ENDPOINT_PLAIN=yes."
        )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.certificate, config.key)
    except (OSError, ssl.SSLError) as error:
        raise Refused(
            f"MAILWEAVE_ENDPOINT_CERT and MAILWEAVE_ENDPOINT_KEY: no certificate with its key in PEM ({error})."
        ) from error
    return context
