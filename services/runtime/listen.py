"""Config of what listens: where it binds, who may connect, its certificate."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network
LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


@dataclass(frozen=True, slots=True)
class Address:
    """Where a socket is bound; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """
    ``addresses`` are by protocol, ``lmtp`` and ``smtp``; without any nothing listens.

    ``key`` is None when it lies in the file of the certificate; without a certificate there is no TLS.
    """

    addresses: Mapping[str, Address] = field(default_factory=dict)
    networks: tuple[Network, ...] = LOOPBACK
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """
    Where routers hand in mail; without an address nothing listens.

    ``plain`` lets it go without a certificate, on loopback alone.
    """

    address: Address | None = None
    certificate: Path | None = None
    key: Path | None = None
    plain: bool = False


def address(text: str) -> Address:
    """Read HOST:PORT, with an IPv6 address in brackets; ``ValueError`` when it is not that."""
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not (port.isascii() and port.isdecimal() and int(port) < 1 << 16) or not host or (":" in host) != bracketed:
        raise ValueError("must be HOST:PORT, an IPv6 address in brackets")
    return Address(host.strip("[]"), int(port))


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks as CIDRs; ``ValueError`` names the first that is none."""
    return tuple(ip_network(text) for text in texts)
