"""``mailweave mailbox apply-defaults``: the template of the organisation is copied onto mailboxes that are there."""

from collections.abc import Sequence
from typing import Any

import click

from services.cli import session
from services.cli.mailbox_approval import known_mailbox
from services.cli.mailbox_test import ask_for_tests
from services.cli.output import plural, printable
from services.cli.settings_changes import author, given, publish, waiting_options
from services.cli.settings_files import in_words
from services.cli.settings_wait import until_known
from services.domain.errors import Refused
from services.settings import differences, publisher, references
from services.settings.permits import readable
from services.settings.snapshot import Snapshot
from services.settings.template import copied, needed


@click.command("apply-defaults")
@click.argument("addresses", nargs=-1, metavar="ADDRESS…")
@click.option("--all", "every", is_flag=True, help="All mailboxes.")
@click.option("--profile", metavar="ID", help="Those of this server profile.")
@click.option("--dry-run", is_flag=True, help="Show what would change and change nothing.")
@click.option("--test/--no-test", "tested", default=True, show_default=True, help="Have them tested afterwards.")
@click.option("--reason", default="", help="Kept in the history.")
@waiting_options
def apply_defaults_command(
    addresses: Sequence[str], *, every: bool, profile: str | None, dry_run: bool, tested: bool, reason: str,
    wait: bool, timeout: float,
) -> None:  # fmt: skip
    """Copy server profile and methods of the defaults onto mailboxes; their credentials and approval stay."""
    config = session.config()
    snapshot = publisher.current(config.postgres)
    changes = _changes(snapshot, _chosen(snapshot, addresses, every=every, profile=profile))
    for key, value in changes.items():
        for one in differences.between(given(snapshot.mailboxes[key.removeprefix("mailbox/")]), value):
            click.echo(printable(f"{key} {in_words(one)}"))
    if dry_run or not changes:
        click.echo(f"{plural(len(changes), 'mailbox', 'mailboxes')} would change." if changes else "Nothing to change.")
        return
    publish(changes, by=author(), reason=reason or "mailbox apply-defaults", base=snapshot.version)
    after = publisher.current(config.postgres)
    if wait or tested:
        until_known(config, after.version, timeout)
    if tested and (read := sorted({key.removeprefix("mailbox/") for key in changes} & set(readable(after)))):
        ask_for_tests(config, read, reason or "mailbox apply-defaults")
        click.echo(f"Asked for the test of {plural(len(read), 'mailbox', 'mailboxes')}; mailweave mailbox list.")


def _chosen(snapshot: Snapshot, addresses: Sequence[str], *, every: bool, profile: str | None) -> list[str]:
    if bool(addresses) + every + (profile is not None) != 1:
        raise Refused("say which mailboxes: one or more addresses, or --all, or --profile ID.")
    if addresses:
        return list(dict.fromkeys(known_mailbox(snapshot, address).address for address in addresses))
    if profile is not None and profile not in snapshot.profiles:
        raise Refused(f"there is no server profile {profile!r}. There are: {', '.join(snapshot.profiles) or 'none'}.")
    return sorted(a for a, m in snapshot.mailboxes.items() if profile is None or m.server_profile == profile)


def _changes(snapshot: Snapshot, chosen: Sequence[str]) -> dict[str, Any]:
    """Return what the template makes of mailboxes that it changes; ``Refused`` when one of them could not be so."""
    template = needed(snapshot.organization)
    values = {a: copied(template, snapshot.mailboxes[a]) for a in chosen}
    changes = {f"mailbox/{a}": v for a, v in values.items() if v != given(snapshot.mailboxes[a])}
    references.applied(snapshot, changes)
    return changes
