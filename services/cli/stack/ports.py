"""Ports of the local servers: on loopback only, chosen once per home, kept while they are free."""

import secrets
import socket
from collections.abc import Collection, Mapping
from pathlib import Path

from services.cli.stack.errors import StackError

HOST = "127.0.0.1"
_LOWEST = 15_000
_TRIES = 2_000


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now; connections that are fading away do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _below() -> int:
    # A client that keeps calling a server that is down would, in the range the kernel takes client ports
    # from, sooner or later be given that very port and hold a conversation with itself on it.
    try:
        text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii")
        below = int(text.split()[0])
    except (OSError, ValueError, IndexError):
        below = 32_768
    return below if below > _LOWEST + 1_000 else 65_536


def settle(names: Collection[str], remembered: Mapping[str, int], *, running: Collection[str] = ()) -> dict[str, int]:
    """A port for each name: the remembered one where it is free or ours already, else another free one."""
    settled = dict(remembered)
    for name in names:
        port = remembered.get(name)
        if port is None or (name not in running and not is_free(port)):
            settled[name] = _choose(set(settled.values()))
    return settled


def _choose(taken: Collection[int]) -> int:
    below = _below()
    for _ in range(_TRIES):
        # Not from `random`: two stacks that start side by side in seeded programs would want the same ports.
        port = _LOWEST + secrets.randbelow(below - _LOWEST)
        if port not in taken and is_free(port):
            return port
    raise StackError(f"No free port was found between {_LOWEST} and {below} on {HOST}.")
