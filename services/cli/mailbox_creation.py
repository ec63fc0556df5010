"""``mailweave mailbox create-missing``: users and queues get their mailboxes by the template of the organisation."""

from collections.abc import Collection, Sequence

import click

from services.cli import session
from services.cli.output import plural, printable
from services.cli.settings_changes import author, publish
from services.domain.default_mailbox import PrincipalAddresses
from services.domain.directory import PRINCIPALS, RecordRef
from services.domain.errors import Refused
from services.runtime.config import Config
from services.settings import publisher, template
from services.storage.reports import principals


@click.command("create-missing")
@click.argument("owners", nargs=-1, metavar="TYPE:ID…")
@click.option("--all", "every", is_flag=True, help="All users and queues of the directory.")
def create_missing_command(owners: Sequence[str], *, every: bool) -> None:
    """
    Give users and queues that have no mailbox one by the defaults of the organisation.

    `mailweave directory apply` and `settings set principal/TYPE:ID` do it by themselves; this is for records that a CRM
    wrote onto the topic. A mailbox that was removed does not come back.
    """
    if bool(owners) == every:
        raise Refused("say for whom: one or more TYPE:ID such as user:anna, or --all.")
    config = session.config()
    template.needed(publisher.current(config.postgres).organization)
    if not create_missing(config, None if every else [_named(one) for one in owners], "mailbox create-missing"):
        click.echo("Nobody of them is without a mailbox.")


def create_missing(config: Config, refs: Collection[RecordRef] | None, reason: str) -> int:
    """Make the mailboxes that these principals are without, or all of them; return how many, and say so."""
    snapshot = publisher.current(config.postgres)
    known = publisher.history(config.postgres)
    removed = {change.key.removeprefix("mailbox/") for change in known if change.key.startswith("mailbox/")}
    with session.reading(config) as connection:
        found = principals.with_addresses(connection)
    wanted = [PrincipalAddresses(ref, a) for ref, a in found.items() if refs is None or ref in refs]
    changes = template.made(snapshot, wanted, removed)
    if changes:
        publish(changes, by=author(), reason=reason, base=snapshot.version)
        names = ", ".join(sorted(changes))
        click.echo(printable(f"By the defaults {plural(len(changes), 'mailbox', 'mailboxes')} made: {names}."))
    return len(changes)


def _named(text: str) -> RecordRef:
    kind, _, name = text.partition(":")
    if kind not in PRINCIPALS or not name:
        raise Refused(f"{text}: expected user:ID or queue:ID.")
    return RecordRef(kind, name)
