"""Does it work: each mailbox on its server, and the endpoint; asked before a router is started."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from services.domain.errors import MailweaveError
from services.fetcher.probing import probe
from services.router.client import Client
from services.router.configuration import Configuration
from services.router.secret_files import secret_in


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was tried, in words; ``well`` when it works."""

    what: str
    well: bool
    words: str


def look(configuration: Configuration) -> Iterator[Found]:
    """Yield what works and what does not: the endpoint, then each mailbox. Changes nothing anywhere."""
    client = Client(configuration.endpoint, partial(secret_in, configuration.token_file), configuration.ca_file)
    allowed: frozenset[str] | None = None
    try:
        said = client.introduce()
        allowed = frozenset(said.get("mailboxes", ()))
        left = said.get("engine") == "router"
        engine = (
            "mailboxes are left to routers" if left else "processing.engine is sss: nothing is read until it is router"
        )
        yield Found("endpoint", True, f"lets this router in as {said.get('router')}; {engine}")
    except MailweaveError as error:
        yield Found("endpoint", False, str(error))
    finally:
        client.close()
    for mailbox in configuration.mailboxes:
        try:
            probe(
                mailbox.profile,
                mailbox.table.user,
                mailbox.credential(_now, configuration.ca_file),
                mailbox.table.folders,
                ca_file=configuration.ca_file,
            )
        except MailweaveError as error:
            yield Found(mailbox.address, False, str(error))
            continue
        if allowed is not None and mailbox.address not in allowed:
            yield Found(mailbox.address, False, "can be read, but the settings do not leave it to this router")
        else:
            yield Found(mailbox.address, True, "can be read")


def _now() -> datetime:
    return datetime.now(UTC)
