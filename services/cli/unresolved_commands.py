"""``mailweave unresolved``: who takes part in filed mail and is no record."""

import click

from services.cli import session
from services.cli.output import emit, json_option, plural, printable, table
from services.domain.addresses import domain_of, normalise
from services.domain.errors import Refused
from services.storage.reports import unresolved
from services.storage.reports.unresolved import Unresolved, Waiting


@click.group("unresolved")
def unresolved_commands() -> None:
    """Addresses of filed mail that no record of the directory has, or none that could be told."""


@unresolved_commands.command("list")
@click.option("--address", help="The activities in which this address is unresolved, instead.")
@click.option("--limit", type=click.IntRange(min=1, max=10_000), default=50, show_default=True)
@json_option
def list_command(*, address: str | None, limit: int, as_json: bool) -> None:
    """
    List unresolved addresses, those of the newest mail first, with how many activities they take part in.

    With --address: the activities of one, the newest first.
    """
    if address is not None:
        _of_address(address, limit, as_json=as_json)
        return
    with session.reading(session.config()) as connection:
        page = unresolved.newest(connection, limit)
    if as_json:
        for one in page.addresses:
            emit(one)
    elif page.addresses:
        table(("address", "activities", "latest mail"), [_line(one) for one in page.addresses], indent="")
    if page.older:
        click.echo("There may be more, of older mail: see --limit.", err=as_json)
    elif not as_json:
        click.echo(f"{plural(len(page.addresses), 'unresolved address', 'unresolved addresses')}.")


def _of_address(address: str, limit: int, *, as_json: bool) -> None:
    if not (address.isprintable() and domain_of(address)):
        raise Refused(f"--address {address!r} is no address. Give one such as kim@example.org.")
    with session.reading(session.config()) as connection:
        found = unresolved.of_address(connection, normalise(address), limit + 1)
    for one in found[:limit]:
        if as_json:
            emit(one)
        else:
            click.echo(_waiting(one))
    if len(found) > limit:
        click.echo(f"More than {limit:,}: see --limit.", err=as_json)
    elif not as_json:
        click.echo(f"Unresolved in {plural(len(found), 'activity', 'activities')}.")


def _line(one: Unresolved) -> tuple[object, ...]:
    count = f"over {one['activities']:,}" if one["more"] else f"{one['activities']:,}"
    return one["address"], count, _when(one["latest"])


def _waiting(one: Waiting) -> str:
    subject = printable(one["subject"]) or "(no subject)"
    return f"{one['activity_id']}  {_when(one['sent_at'])}  {one['direction']}  {subject}"


def _when(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "no date"
