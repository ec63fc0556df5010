"""One check of a hostile server's mailbox, as the service makes it."""

from services.fetcher import cursor
from services.fetcher.imap import Server, session
from services.fetcher.mechanisms import Password
from services.fetcher.polling import Progress, Task, poll

MAILS = {n: b"Subject: %d\r\nFrom: a@example.org\r\n\r\nbody\r\n" % n for n in range(1, 251)}


def server_at(port: int, *, seconds: float = 1.0) -> Server:
    return Server(host="127.0.0.1", port=port, tls="none", seconds=seconds)


def check(outside, server, *, seconds=1.0, folders=("INBOX",)):
    """One check of the mailbox as the service makes it."""
    fence = cursor.claim(outside.ports.database, outside.mailbox).fence
    task = Task(mailbox=outside.mailbox, fence=fence, folders=folders, limit=10**8, go_on=lambda: True)
    progress = Progress()
    with session(server_at(server.port, seconds=seconds), "user", Password("pässword")) as connection:
        poll(connection, task, outside.ports, progress)
    return progress
