"""A socket that listens where the config says."""

import socket

from services.domain.errors import Refused
from services.runtime.listen import Address


def bound(variable: str, address: Address, backlog: int) -> socket.socket:
    """Return a listening socket; ``Refused`` names the variable that gives an address which cannot be listened on."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=backlog)
    except OSError as error:
        raise Refused(
            f"{variable}: {address} cannot be listened on ({error.strerror}). Give an address of this machine and a "
            "port that nobody else uses."
        ) from error
