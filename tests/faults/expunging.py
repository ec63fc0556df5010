"""A second client of the mailboxes: it takes mails away, also some that nobody has read yet."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.faults.feeding import Client, Feeder
from tests.faults.history import Append, Ended
from tests.faults.mails import Plan

PAUSE_SECONDS = 0.1


@contextmanager
def expunging(feeder: Feeder, plan: Plan, postgres: str) -> Iterator[None]:
    """
    Expunge while the block runs: mails that were taken, and further copies of mails, soon after they are appended.

    A further copy may be taken or not, so it counts as an append of unknown outcome. The mails of the plan stay until
    they were taken: what comes of the others depends on them.
    """
    done = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            _expunge(feeder, plan, postgres, done)
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(30)
    assert not failed, f"the client that expunges broke: {failed}"


def _expunge(feeder: Feeder, plan: Plan, postgres: str, done: threading.Event) -> None:
    chance = random.Random(plan.seed)
    clients: dict[str, Client] = {}
    with psycopg.connect(postgres, autocommit=True) as database:
        while not done.wait(PAUSE_SECONDS):
            appended = [one for one in feeder.history.appends() if one.ended == Ended.OK]
            if not appended:
                continue
            one = chance.choice(appended)
            client = clients.setdefault(one.mailbox, Client(feeder.server, one.mailbox))
            if chance.random() < 0.5:
                _come_and_go(client, feeder, plan, one, chance)
            elif one.place is not None and _was_taken(database, one):
                client.expunge(one.folder, one.place.uid)
    for client in clients.values():
        client.close()


def _come_and_go(client: Client, feeder: Feeder, plan: Plan, one: Append, chance: random.Random) -> None:
    if not client.connected():
        return
    number = feeder.history.invoked(one.mark, one.mailbox, one.folder, one.sha256)
    _, found = client.append(one.folder, plan.by_content[one.sha256].raw)
    feeder.history.ended(number, Ended.INFO)
    if found:
        time.sleep(chance.uniform(0, 0.2))
        client.expunge(one.folder, found[1])


def _was_taken(database: "psycopg.Connection[tuple[object, ...]]", one: Append) -> bool:
    assert one.place is not None
    found = database.execute(
        "SELECT FROM fetcher.delivery WHERE mailbox = %s AND folder = %s AND uidvalidity = %s AND uid = %s",
        (one.mailbox, one.folder, one.place.uidvalidity, one.place.uid),
    )
    return found.fetchone() is not None
