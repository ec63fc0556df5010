"""``mailweave mailbox create-missing``: users and queues get their mailboxes by the template of the organisation."""

from collections.abc import Collection, Iterable, Sequence

import click

from services.cli import session
from services.cli.output import plural, printable
from services.cli.settings_changes import author, publish
from services.domain.default_mailbox import PrincipalAddresses
from services.domain.directory import PRINCIPALS, RecordRef
from services.domain.errors import Refused
from services.runtime.config import Config
from services.settings import publisher, template
from services.settings.missing_mailboxes import missing
from services.storage.reports import principals


@click.command("create-missing")
@click.argument("owners", nargs=-1, metavar="TYPE:ID…")
@click.option("--all", "every", is_flag=True, help="All users and queues of the directory.")
def create_missing_command(owners: Sequence[str], *, every: bool) -> None:
    """
    Give users and queues that have no mailbox one by the defaults of the organisation.

    They get it by themselves when their record comes, or with `settings set principal/TYPE:ID`; this is for those who
    came before there were defaults. Who had a mailbox that was removed gets none: `mailweave mailbox add`.
    """
    if bool(owners) == every:
        raise Refused("say for whom: one or more TYPE:ID such as user:anna, or --all.")
    config = session.config()
    template.needed(publisher.current(config.postgres).organization)
    if not create_missing(config, None if every else [_named(one) for one in owners], "mailbox create-missing"):
        click.echo("Nobody of them is without a mailbox.")


def create_missing(config: Config, refs: Collection[RecordRef] | None, reason: str) -> int:
    """Make the mailboxes that these principals are without, or all of them; return how many, and say so."""
    with session.reading(config) as connection:
        found = principals.with_addresses(connection, refs)
    version, changes = missing(config.postgres, [PrincipalAddresses(ref, a) for ref, a in found.items()])
    if changes:
        publish(changes, by=author(), reason=reason, base=version)
        tell_made(key.removeprefix("mailbox/") for key in changes)
    return len(changes)


def tell_made(addresses: Iterable[str]) -> None:
    """Say which mailboxes were made by the defaults, if any."""
    if names := sorted(f"mailbox/{address}" for address in addresses):
        made = plural(len(names), "mailbox", "mailboxes")
        click.echo(printable(f"By the defaults {made} made: {', '.join(names)}."))


def _named(text: str) -> RecordRef:
    kind, _, name = text.partition(":")
    if kind not in PRINCIPALS or not name:
        raise Refused(f"{text}: expected user:ID or queue:ID.")
    return RecordRef(kind, name)
