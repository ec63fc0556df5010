"""Waiting until nothing is on its way, and saying what is when the time is over."""

import time

from kafka.errors import KafkaError

from services.cli import servers, session
from services.cli.wait_commands import Nudge
from services.cli.waiting import Target, behind
from services.domain.errors import MailweaveError
from services.runtime.config import Config
from services.runtime.lag import lag
from services.settings import publisher
from services.storage.reports import progress
from tests.faults.judge_streams import INPUTS
from tests.faults.mails import MAILBOXES

QUIET_LOOKS = 3
LOOK_SECONDS = 0.5


def drained(config: Config, seconds: float) -> list[str]:
    """Return when nothing moves any more, with what has not arrived by then; an empty list is what is wanted."""
    deadline = time.monotonic() + seconds
    nudge = Nudge(config, sorted(MAILBOXES))
    looks = 0
    while looks < QUIET_LOOKS:
        nudge()
        try:
            left = on_the_way(config)
        except (MailweaveError, KafkaError) as error:
            left = [f"cannot be asked: {error}"]
        if left and time.monotonic() > deadline:
            return left
        looks = 0 if left else looks + 1
        time.sleep(LOOK_SECONDS)
    return []


def on_the_way(config: Config) -> list[str]:
    """Name everything that is between a mailbox and its end state; whether it has the right one is not asked here."""
    left = []
    places = list(servers.targets(config, publisher.current(config.postgres)))
    with session.store(config, "reader") as connection:
        cursors = progress.cursors(connection)
        for place in places:
            missing = behind(place, cursors) if isinstance(place, Target) else place
            if missing:
                left.append(str(missing))
        left += [f"{count} rows in {schema}.outbox" for schema, count in progress.outboxes(connection).items() if count]
        if jobs := progress.jobs(connection):
            left.append(f"{jobs} jobs")
        left += [f"{one.mailbox}: {one.last_error}" for one in progress.mailboxes(connection) if one.last_error]
    for topic, group in INPUTS.items():
        behind_of = [one.records for one in lag(config.kafka, group, [topic]) if one.records]
        left += [f"{count} records of {topic} before {group}" for count in behind_of]
    return left
