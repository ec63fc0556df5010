"""``mailweave resolve`` and ``unresolve``: a person says who an unresolved address of an activity is."""

from collections.abc import Callable
from uuid import UUID, uuid4

import click

from services.cli import commanding, session
from services.cli.failures import failed
from services.cli.output import printable
from services.cli.publishing import sending
from services.cli.record_names import record_named
from services.cli.relink_commands import awaited
from services.cli.settings_changes import author
from services.domain.addresses import normalise
from services.domain.errors import Refused
from services.runtime.config import Config
from services.storage.outbox import OutboxRow
from services.storage.reports import directory, resolutions


def _asks(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that both commands have."""
    for option in (
        click.option(
            "--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait."
        ),
        click.option("--wait", is_flag=True, help="Until it is carried out; exit 1 when it is refused."),
        click.option("--author", "by", default=author, help="Kept with it; by default the login name."),
        click.option("--reason", required=True, help="Kept with it and shown by `mailweave explain`."),
    ):
        command = option(command)
    return command


@click.command("resolve")
@click.argument("activity", metavar="ACTIVITY")
@click.argument("address", metavar="ADDRESS")
@click.argument("record", metavar="TYPE/ID")
@click.option("--only-this", is_flag=True, help="Of this mail only, whatever resolve.applyToAll says.")
@_asks
def resolve_command(
    activity: str, address: str, record: str, *, only_this: bool, reason: str, by: str, wait: bool, timeout: float
) -> None:
    """
    Say which record an unresolved address of an activity is.

    While resolve.unresolveOnMultiple and resolve.applyToAll are on, it counts for all mail in which the address is
    unresolved, later mail too; else, or with --only-this, for this mail. No change of the directory changes it;
    `mailweave unresolve` takes it back.
    """
    config, name, given = _named(activity, address, reason, by)
    ref = record_named("TYPE/ID", record)
    with session.reading(config) as connection:
        if not resolutions.is_filed(connection, name):
            raise _unknown(name)
        unresolved = resolutions.is_unresolved(connection, name, given)
        if unresolved is None:
            raise Refused(f"nobody in this activity has the address {printable(given)!r}. See: mailweave activities.")
        if not unresolved:
            raise Refused(
                f"somebody is behind {printable(given)} in this activity already; a person's word is taken back by "
                "mailweave unresolve, what the directory says is changed there."
            )
        if directory.record(connection, ref.type, ref.id) is None:
            raise Refused(f"the directory has no {ref.type}/{ref.id}. See: mailweave directory.")
    row = commanding.record(
        command := uuid4(), "resolve", f"activity/{name}", reason, by=by, address=given, to=f"{ref.type}/{ref.id}",
        only_this=only_this,
    )  # fmt: skip
    if _sent(config, row, command, wait=wait, timeout=timeout):
        click.echo("It counts for all mail in which the address is unresolved, later mail too.")


@click.command("unresolve")
@click.argument("activity", metavar="ACTIVITY")
@click.argument("address", metavar="ADDRESS")
@_asks
def unresolve_command(activity: str, address: str, *, reason: str, by: str, wait: bool, timeout: float) -> None:
    """Take back what a person has said of an address, in all mail to which it was applied."""
    config, name, given = _named(activity, address, reason, by)
    with session.reading(config) as connection:
        if not resolutions.is_filed(connection, name):
            raise _unknown(name)
        if not resolutions.is_said(connection, name, given):
            raise Refused(
                f"no person has said who {printable(given)!r} is in this activity, or it is taken back. "
                "See: mailweave explain."
            )
    row = commanding.record(command := uuid4(), "unresolve", f"activity/{name}", reason, by=by, address=given)
    _sent(config, row, command, wait=wait, timeout=timeout)


def _named(activity: str, address: str, reason: str, by: str) -> tuple[Config, UUID, str]:
    if not reason.strip():
        raise Refused("--reason: say why.")
    if not by.strip():
        raise Refused("--author: say who.")
    try:
        name = UUID(activity)
    except ValueError:
        raise Refused(
            f"{printable(activity)!r} is no id of an activity. `mailweave activities --json` shows the ids."
        ) from None
    given = normalise(address)
    if not given:
        raise Refused("ADDRESS is empty: give the address as the activity has it.")
    return session.config(), name, given


def _unknown(activity: UUID) -> Refused:
    return Refused(f"there is no activity {activity}. `mailweave activities --json` shows the ids.")


def _sent(config: Config, row: OutboxRow, command: UUID, *, wait: bool, timeout: float) -> bool:
    """Send a command; return whether it is known by now to be about all mail."""
    with sending(config) as send:
        send([row])
    if not wait:
        click.echo("Asked for it; `mailweave explain` of the mail shows what came of it.")
        return False
    with session.store(config, "reader") as connection:
        refused, everywhere = awaited(lambda: resolutions.answer(connection, command), timeout, "resolver")
    if refused:
        raise failed(f"refused: {refused}.")
    click.echo("Done.")
    return everywhere
