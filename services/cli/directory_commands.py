"""``mailweave directory apply``: who is who, from a file of JSON lines."""

import time
from collections.abc import Mapping
from typing import BinaryIO

import click

from services.cli import directory_file, session
from services.cli.failures import failed
from services.cli.mailbox_creation import create_missing
from services.cli.output import plural, source_name
from services.cli.publishing import ends, sending
from services.contracts.codec import encode
from services.domain.directory import RecordRef
from services.runtime.config import Config
from services.storage.outbox import OutboxRow
from services.storage.reports import progress

TOPIC = "directory"


@click.group("directory")
def directory_commands() -> None:
    """The CRM's users, queues, contacts and others with their addresses."""


@directory_commands.command("apply")
@click.argument("file", type=click.File("rb"))
@click.option("--no-wait", is_flag=True, help="Do not wait until the resolver has taken the records over.")
@click.option("--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait.")
def apply_command(file: BinaryIO, *, no_wait: bool, timeout: float) -> None:
    """
    Publish the records of a file, one JSON object per line; - reads standard input.

    {"type", "id", "name", "addresses": [], "owner": {"type", "id"} or null, "active"} sets a record,
    {"type", "id", "deleted": true} removes one. With one broken line nothing is published. Users and queues without a
    mailbox get one by the defaults of the organisation, where a server profile is among these.
    """
    config = session.config()
    records = directory_file.read(source_name(file), file)
    rows = [OutboxRow(TOPIC, f"{r['type']}/{r['id']}".encode(), encode("DirectoryRecord", r), {}) for r in records]
    with sending(config) as send:
        send(rows)
    click.echo(f"Published {plural(len(rows), 'directory record')}.")
    if rows and not no_wait and _until_applied(config, timeout):
        there = {RecordRef(r["type"], r["id"]) for r in records if not r["deleted"]}
        create_missing(config, there, "directory apply")


def _until_applied(config: Config, seconds: float) -> bool:
    """Wait for the resolver; return False when none runs."""
    wanted = ends(config.kafka, TOPIC)
    if not any(s.service == "resolver" for s in session.running(config)):
        click.echo("No resolver runs; it takes the records over when it starts.")
        return False
    deadline = time.monotonic() + seconds
    with session.store(config, "reader") as connection:
        while left := behind(wanted, progress.directory_offsets(connection)):
            if time.monotonic() > deadline:
                raise failed(
                    f"after {seconds:g} s the resolver has not taken over {plural(left, 'record')}; they are on the "
                    "topic and will be."
                )
            time.sleep(0.05)
    click.echo("The resolver has taken them over.")
    return True


def behind(wanted: Mapping[int, int], applied: Mapping[int, int]) -> int:
    """Return how many records lie between what was applied and the ends of the partitions."""
    return sum(max(0, end - applied.get(partition, 0)) for partition, end in wanted.items())
