"""Sessions and checks by whichever protocol a server profile names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.fetcher import imap, polling, pop3, pop3_polling
from services.fetcher.authentication import Credential
from services.fetcher.imap import Server
from services.fetcher.ledger import Outside
from services.fetcher.polling import Progress, Task
from services.settings.models import MailboxSettings, ServerProfile


def server_of(profile: ServerProfile, ca_file: Path | None = None, *, opens: str = "") -> Server:
    """Return how to connect to the server of a profile; see :class:`Server` for ``opens``."""
    return Server(
        host=profile.host,
        port=profile.port,
        tls=profile.tls,
        auth=profile.auth,
        seconds=profile.timeout_seconds,
        ca_file=ca_file,
        opens=opens,
    )


def outgoing_server_of(profile: ServerProfile, ca_file: Path | None = None, *, opens: str = "") -> Server:
    """Return how to connect to the outgoing server of a profile that names one."""
    return Server(
        host=profile.outgoing_host or "",
        port=profile.outgoing_port,
        tls=profile.outgoing_tls,
        auth="auto" if profile.outgoing_auth == "none" else profile.outgoing_auth,
        seconds=profile.timeout_seconds,
        ca_file=ca_file,
        opens=opens,
    )


@contextmanager
def session(
    profile: ServerProfile, user: str, credential: Credential, ca_file: Path | None = None, *, opens: str = ""
) -> Iterator[imap.Connection | pop3.Connection]:
    """Give a logged-in session with the server of a profile, closed at the end."""
    opened = pop3.session if profile.protocol == "pop3" else imap.session
    with opened(server_of(profile, ca_file, opens=opens), user, credential) as connection:
        yield connection


def poll(
    connection: imap.Connection | pop3.Connection, mailbox: MailboxSettings, task: Task, ports: Outside, done: Progress
) -> None:
    """
    Take what is new in a mailbox; see :func:`polling.poll` and :func:`pop3_polling.poll`.

    When it is done again after a connection was lost, what the first try left out counts no more.
    """
    done.left_out.clear()
    if isinstance(connection, pop3.Connection):
        pop3_polling.poll(connection, task, ports, done, delete=mailbox.process_and_delete)
    else:
        polling.poll(connection, task, ports, done)
