"""``mailweave directory apply``: who is who, from a file of JSON lines."""

import time
from collections.abc import Mapping
from typing import BinaryIO

import click

from services.cli import directory_file, session
from services.cli.failures import failed
from services.cli.mailbox_creation import tell_made
from services.cli.output import plural, source_name
from services.cli.publishing import ends, sending
from services.contracts.codec import encode
from services.runtime.config import Config
from services.settings import publisher
from services.storage.outbox import OutboxRow
from services.storage.reports import principals, progress

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
    before = {} if no_wait else publisher.current(config.postgres).mailboxes
    rows = [OutboxRow(TOPIC, f"{r['type']}/{r['id']}".encode(), encode("DirectoryRecord", r), {}) for r in records]
    with sending(config) as send:
        send(rows)
    click.echo(f"Published {plural(len(rows), 'directory record')}.")
    if rows and not no_wait and _until_applied(config, timeout):
        there = {(r["type"], r["id"]) for r in records}
        after = publisher.current(config.postgres).mailboxes.items()
        tell_made(a for a, m in after if a not in before and m.owner and (m.owner.type, m.owner.id) in there)


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
        came = principals.arrived(connection)
        while came & principals.arrived(connection):
            if time.monotonic() > deadline:
                raise failed(
                    f"after {seconds:g} s the resolver has not looked at every new user and queue for a mailbox; "
                    "its log says why."
                )
            time.sleep(0.05)
    click.echo("The resolver has taken them over.")
    return True


def behind(wanted: Mapping[int, int], applied: Mapping[int, int]) -> int:
    """Return how many records lie between what was applied and the ends of the partitions."""
    return sum(max(0, end - applied.get(partition, 0)) for partition, end in wanted.items())
