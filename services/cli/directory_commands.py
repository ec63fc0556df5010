"""``mailweave directory``: who is who, from a file of JSON lines or a table, and which two are one."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import click

from services.cli import directory_csv, directory_file, session
from services.cli.directory_merge import records_of_merge
from services.cli.directory_spool import TOPIC, Spool
from services.cli.failures import failed
from services.cli.mailbox_creation import tell_made
from services.cli.output import plural, source_name
from services.cli.publishing import ends, sending
from services.domain.directory import PRINCIPALS
from services.runtime.config import Config
from services.settings import publisher
from services.storage.reports import principals, progress

SECONDS = 60.0
SECONDS_PER_RECORD = 0.001


@click.group("directory")
def directory_commands() -> None:
    """The CRM's users, queues, contacts and others with their addresses."""


@directory_commands.command("apply")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", "jsonl", "csv"]),
    default="auto",
    show_default=True,
    help="auto: csv where the name ends so, else jsonl.",
)
@click.option("--no-wait", is_flag=True, help="Do not wait until the resolver has taken the records over.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), help="Seconds to wait.  [default: 60, and 1 for each 1,000 records]"
)
def apply_command(file: BinaryIO, *, form: str, no_wait: bool, timeout: float | None) -> None:
    """
    Publish the records of a file, one JSON object per line or one row of a table; - reads standard input.

    {"type", "id", "name", "addresses": [], "owner": {"type", "id"} or null, "active"} sets a record,
    {"type", "id", "deleted": true} removes one, {"type", "id", "merged_into": ID} says that it has become another of
    its type. The first row of a table names its columns: type, id, name, addresses (with spaces or semicolons between),
    owner (TYPE/ID), active, deleted, merged_into. With one broken line nothing is published. Users and queues without a
    mailbox get one by the defaults of the organisation, where a server profile is among these.
    """
    config = session.config()
    name = source_name(file)
    table = form == "csv" or (form == "auto" and name.lower().endswith(".csv"))
    parsed = directory_csv.csv_rows(name, file) if table else directory_file.json_lines(file)
    principals_named: set[tuple[str, str]] = set()
    spool = Spool(_noting(directory_file.whole(name, parsed), principals_named))
    before = {} if no_wait else publisher.current(config.postgres).mailboxes
    with sending(config) as send:
        for piece in spool.pieces():
            send(piece)
    click.echo(f"Published {plural(spool.count, 'directory record')}.")
    seconds = SECONDS + SECONDS_PER_RECORD * spool.count if timeout is None else timeout
    if spool.count and not no_wait and _until_applied(config, seconds):
        after = publisher.current(config.postgres).mailboxes.items()
        tell_made(a for a, m in after if a not in before and m.owner and (m.owner.type, m.owner.id) in principals_named)


@directory_commands.command("merge")
@click.argument("loser", metavar="TYPE/ID")
@click.argument("survivor", metavar="TYPE/SURVIVOR")
def merge_command(loser: str, survivor: str) -> None:
    """
    Merge the first record into the second, of the same type, which gets its addresses.

    What named the first, in mail of any age, names the second from then on. A CRM does the same by pushing the second
    with all addresses and the first as {"type", "id", "merged_into": ID}.
    """
    config = session.config()
    with session.store(config, "reader") as connection:
        records = records_of_merge(connection, loser, survivor)
    with sending(config) as send:
        for piece in Spool(records).pieces():
            send(piece)
    click.echo(f"{loser} is merged into {survivor}.")
    _until_applied(config, SECONDS)


def _noting(records: Iterable[dict[str, Any]], principals_named: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Yield the records and note the users and queues among them."""
    for one in records:
        if one["type"] in PRINCIPALS:
            principals_named.add((one["type"], one["id"]))
        yield one


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
