"""Has the stack's broker announce a second address to those who come through the proxy: the proxy's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.cli.stack import kafka
from services.cli.stack.ports import HOST
from services.cli.stack.server import Site


@contextmanager
def announced(behind: int, proxy: int) -> Iterator[None]:
    """
    While this lasts, a broker that is started also listens on ``behind`` and calls itself ``proxy`` there.

    Clients go where a broker says it is, so a proxy in front of the plain listener would see their first call only.
    """
    plain = kafka._properties

    def properties(site: Site, data: Path) -> str:
        lines = plain(site, data).splitlines()
        extended = [
            f"{line},PROXIED://{HOST}:{behind}"
            if line.startswith("listeners=")
            else f"{line},PROXIED://{HOST}:{proxy}"
            if line.startswith("advertised.listeners=")
            else f"{line},PROXIED:PLAINTEXT"
            if line.startswith("listener.security.protocol.map=")
            else line
            for line in lines
        ]
        changed = sum(one != other for one, other in zip(lines, extended, strict=True))
        assert changed == 3, "the stack writes Kafka's listeners in another way now"
        return "\n".join([*extended, "inter.broker.listener.name=PLAINTEXT", ""])

    kafka._properties = properties
    try:
        yield
    finally:
        kafka._properties = plain
