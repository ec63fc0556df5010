"""``mailweave alias``: other addresses of users and queues, as mail servers show them and people confirm them."""

from collections.abc import Callable
from uuid import uuid4

import click

from services.cli import commanding, session
from services.cli.failures import failed
from services.cli.output import emit, json_option, plural, printable
from services.cli.publishing import sending
from services.cli.record_names import record_named
from services.cli.relink_commands import awaited
from services.cli.settings_changes import author
from services.domain.addresses import normalise
from services.domain.errors import Refused
from services.storage.reports.mailbox_aliases import Alias, aliases, answer

_WORDS = {
    "proposed": "proposed",
    "seen": "seen too seldom to be proposed",
    "shared": "not proposed: several users or queues get mail under it, so it is a list",
    "known": "a record of the directory has it by now",
    "confirmed": "confirmed",
    "dismissed": "dismissed",
}


@click.group("alias")
def alias_commands() -> None:
    """Addresses that no record has, under which mail comes to a user or queue: list them, confirm or dismiss them."""


@alias_commands.command("list")
@click.option("--all", "every", is_flag=True, help="Also those that are only seen, shared, known or dismissed.")
@json_option
def list_command(*, every: bool, as_json: bool) -> None:
    """List what is proposed and what is confirmed, as the mailboxes' own servers show it."""
    with session.reading(session.config()) as connection:
        found = [one for one in aliases(connection) if every or one["state"] in ("proposed", "confirmed")]
    for one in found:
        if as_json:
            emit(one)
        else:
            _show(one)
    if not as_json:
        click.echo(plural(len(found), "address", "addresses") + ".")


def _answering(command: Callable[..., None]) -> Callable[..., None]:
    """Add what all answers have."""
    for addition in (
        click.option(
            "--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait."
        ),
        click.option("--author", "by", default=author, help="Kept with the answer; by default the login name."),
        click.option("--reason", required=True, help="Kept with the answer."),
        click.argument("principal", metavar="TYPE/ID"),
        click.argument("address", metavar="ADDRESS"),
    ):
        command = addition(command)
    return command


@alias_commands.command("confirm")
@_answering
def confirm_command(address: str, principal: str, *, reason: str, by: str, timeout: float) -> None:
    """
    Say that the address is another one of this user or queue: mail to it is mail to them.

    Mail that was refused for want of it is decided again. Parties are named by the directory alone.
    """
    _answer("alias-confirm", address, principal, reason=reason, by=by, timeout=timeout)


@alias_commands.command("dismiss")
@_answering
def dismiss_command(address: str, principal: str, *, reason: str, by: str, timeout: float) -> None:
    """Say that it is none. It is not proposed again."""
    _answer("alias-dismiss", address, principal, reason=reason, by=by, timeout=timeout)


@alias_commands.command("remove")
@_answering
def remove_command(address: str, principal: str, *, reason: str, by: str, timeout: float) -> None:
    """Take a confirmation back. Mail that is filed stays filed."""
    _answer("alias-remove", address, principal, reason=reason, by=by, timeout=timeout)


def _answer(kind: str, address: str, principal: str, *, reason: str, by: str, timeout: float) -> None:
    ref = record_named("TYPE/ID", principal)
    for option, text in (("--reason: say why", reason), ("--author: say who", by)):
        if not text.strip():
            raise Refused(f"{option}.")
    given = normalise(address)
    config = session.config()
    with session.reading(config) as connection:
        known = {
            one["state"] for one in aliases(connection) if one["address"] == given and one["principal"] == principal
        }
    if not known:
        raise Refused(
            f"no mail came to {ref.type}/{ref.id} under {printable(given)!r}. See: mailweave alias list --all."
        )
    if kind == "alias-remove" and known != {"confirmed"}:
        raise Refused(f"{printable(given)} is not confirmed. See: mailweave alias list.")
    command = uuid4()
    row = commanding.record(command, kind, f"alias/{given}", reason, by=by, address=given, to=f"{ref.type}/{ref.id}")
    with sending(config) as send:
        send([row])
    with session.store(config, "reader") as connection:
        refused = awaited(lambda: answer(connection, command), timeout, "resolver")
    if refused:
        raise failed(f"refused: {refused}.")
    click.echo("Done.")


def _show(one: Alias) -> None:
    times = "mail" if one["mails"] == 1 else "mails"
    click.echo(printable(f"{one['address']}: {one['principal']}, {one['mails']} {times}, {_WORDS[one['state']]}."))
    if one["author"]:
        click.echo(printable(f"  {one['answered']}: {one['author']} ({one['reason']})."))
