"""``mailweave redecide``: stored mail decided again under today's settings; shown, and applied when asked."""

from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import click

from services.cli import session
from services.cli.output import json_option, plural, printable
from services.cli.settings_changes import author
from services.cli.simulation import knowing, printing
from services.cli.simulation.again import again, decided, pairs
from services.domain.addresses import domain_of, normalise
from services.domain.errors import Refused
from services.resolver import redecisions
from services.resolver.policy import settings_of
from services.runtime.config import Config
from services.settings import publisher
from services.settings.snapshot import Snapshot
from services.storage.blobs import BlobFolder
from services.storage.postgres import Database


@click.command("redecide")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), required=True,
    help="The mail that came since then; UTC.",
)  # fmt: skip
@click.option("--mailbox", metavar="ADDRESS", help="Only mail of this mailbox, with all its copies elsewhere.")
@click.option("--apply", "applied", is_flag=True, help="Carry it out; without it nothing is changed.")
@click.option("--reason", default="", help="With --apply: kept, and shown by `mailweave explain`.")
@json_option
def redecide_command(*, since: datetime, mailbox: str | None, applied: bool, reason: str, as_json: bool) -> None:
    """
    Decide stored mail again, as if it came today, and print what is decided differently.

    With --apply the services do so, the oldest mail first, in the background: mail that is no longer accepted is no
    longer filed, and every change is told by an event as usual. What a person has filed under a record stays.
    """
    if applied and not (reason.strip() and reason.isprintable()):
        raise Refused("--apply needs --reason TEXT, one line: it is kept and shown by `mailweave explain`.")
    if reason and not applied:
        raise Refused("--reason says nothing without --apply: leave it out, or add --apply.")
    if mailbox is not None and not (mailbox.isprintable() and domain_of(mailbox)):
        raise Refused(f"{mailbox!r} is no mailbox. Give its address, as `mailweave mailbox list` shows it.")
    config, moment = session.config(), since.replace(tzinfo=UTC)
    address = normalise(mailbox) if mailbox is not None else None
    now = publisher.current(config.postgres)
    _show(config, now, moment, address, as_json=as_json)
    if applied:
        _apply(config, now, moment, address, reason.strip(), as_json=as_json)


def _show(config: Config, now: Snapshot, since: datetime, mailbox: str | None, *, as_json: bool) -> None:
    blobs = BlobFolder(config.blobs)
    settings = settings_of(now, hash_key=config.hash_key, blobs=blobs)
    with session.reading(config) as connection:
        if mailbox is not None and mailbox not in now.mailboxes and not redecisions.has_mail(connection, mailbox):
            raise Refused(f"no mail of {printable(mailbox)} is stored. See: mailweave mailbox list.")
        stored = knowing.of_stored(connection, blobs, since, settings, mailbox)
        after = again(stored, settings)
        printing.left_out(stored.unreadable)
        printing.differences(pairs(decided(stored, after), after), as_json=as_json)


def _apply(config: Config, now: Snapshot, since: datetime, mailbox: str | None, reason: str, *, as_json: bool) -> None:
    with closing(Database(config.postgres, "resolver")) as database, database.transaction() as connection:
        count = redecisions.ask(
            connection,
            redecision=uuid4(),
            author=author(),
            reason=reason,
            since=since,
            mailbox=mailbox,
            settings_version=now.version,
        )
    told = f"{plural(count, 'message')} will be decided again; `mailweave wait` returns when they are."
    click.echo(told, err=as_json)
