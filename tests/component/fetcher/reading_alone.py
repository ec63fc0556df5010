"""
A process of its own that reads one mailbox, and says by how much its memory rose; what a test holds is not in it.

Takes one JSON object as its argument. Reads the mailbox, says "ready", waits for a line, reads it again, and says the
rise of its peak in MB.
"""

import json
import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

from services.fetcher import cursor
from services.fetcher.imap import Server, session
from services.fetcher.mechanisms import Password
from services.fetcher.polling import Ports, Progress, Task, poll
from services.storage.blobs import BlobFolder
from services.storage.postgres import Database
from tests.component.fetcher.routed import checking, mailbox_at, serving, settings

LIMIT_MB = 150


def peak_mb() -> float:
    """The most that was resident since it was last reset."""
    text = Path("/proc/self/status").read_text("ascii")
    (kilobytes,) = (line.split()[1] for line in text.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) / 1024


def main() -> None:
    given = json.loads(sys.argv[1])
    mailbox, room = given["mailbox"], Path(given["room"])
    server = Server(host=given["host"], port=given["port"], tls="none", seconds=60)
    with ExitStack() as open_ones:
        database = open_ones.enter_context(closing(Database(given["url"], "fetcher")))
        ports = Ports(
            database=database,
            blobs=BlobFolder(Path(given["blobs"])),
            send=lambda rows: rows.clear(),
            now=lambda: datetime.now(UTC),
        )

        def by_fetcher() -> None:
            claimed = cursor.claim(database, mailbox)
            task = Task(
                mailbox=mailbox, fence=claimed.fence, known=claimed.folders, folders=("INBOX",), limit=LIMIT_MB << 20,
                go_on=lambda: True,
            )  # fmt: skip
            with session(server, mailbox, Password("secret")) as connection:
                poll(connection, task, ports, Progress())

        def by_router() -> None:
            ended = checker.check(mailbox_at(mailbox, server, room), lambda: True)
            assert ended.code == "", ended.words

        check = by_fetcher
        if given["token"]:
            running = open_ones.enter_context(serving(ports, settings(mailbox, megabytes=LIMIT_MB)))
            checker, check = checking(running, given["token"], room), by_router
        check()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew (proc(5))
        before = peak_mb()
        check()
        rise = peak_mb() - before
        sys.stderr.write(f"{check.__name__}: the peak of memory rose by {rise:.1f} MB\n")
        sys.stdout.write(f"{rise:.1f}\n")


if __name__ == "__main__":
    main()
