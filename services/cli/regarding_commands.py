"""``mailweave regarding``: a person files mail under a record, or takes it away from one."""

import re
from collections.abc import Callable
from uuid import uuid4

import click

from services.cli import commanding, session
from services.cli.output import printable
from services.cli.publishing import sending
from services.cli.record_names import record_named
from services.cli.relink_commands import canonical, carried_out
from services.domain.errors import Refused
from services.domain.identity import keyed_hash
from services.runtime.config import Config
from services.storage.reports import regardings

ACTIVITY_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _asks(command: Callable[..., None]) -> Callable[..., None]:
    """Add what both commands are given."""
    for option in (
        click.option(
            "--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait."
        ),
        click.option("--wait", is_flag=True, help="Until it is carried out; exit 1 when it is refused."),
        click.option("--reason", required=True, help="Kept for good and shown by `mailweave explain`."),
        click.argument("record", metavar="TYPE/ID"),
        click.argument("mail", metavar="MESSAGE-ID|ACTIVITY"),
    ):
        command = option(command)
    return command


@click.group("regarding")
def regarding_commands() -> None:
    """The records that mail is filed under: add one by hand, or take one away. What answers the mail follows."""


@regarding_commands.command("add")
@_asks
def add_command(mail: str, record: str, *, reason: str, wait: bool, timeout: float) -> None:
    """File a mail under one more record. It comes before what folders and conversations give, and stays."""
    _ask("add-regarding", mail, record, reason, wait=wait, timeout=timeout)


@regarding_commands.command("remove")
@_asks
def remove_command(mail: str, record: str, *, reason: str, wait: bool, timeout: float) -> None:
    """Take a mail away from a record. Neither its folder nor what it answers files it there again."""
    _ask("remove-regarding", mail, record, reason, wait=wait, timeout=timeout)


def _ask(kind: str, mail: str, record: str, reason: str, *, wait: bool, timeout: float) -> None:
    if not reason.strip():
        raise Refused("--reason: say why.")
    config, ref = session.config(), record_named("TYPE/ID", record)
    about, shown = _about(config, mail)
    command = uuid4()
    with sending(config) as send:
        send([commanding.record(command, kind, about, reason, to=f"{ref.type}/{ref.id}")])
    if wait:
        click.echo(f"Done: {carried_out(config, command, timeout, by='resolver')}.")
    else:
        click.echo(f"Asked for it; `mailweave explain {shown}` shows what came of it.")


def _about(config: Config, mail: str) -> tuple[str, str]:
    """Return what the command is about, and how a person names that; ``Refused`` when no such mail is filed."""
    if ACTIVITY_ID.fullmatch(mail):
        with session.reading(config) as connection:
            message_id = regardings.message_of(connection, mail)
        if message_id is None:
            raise Refused(f"no activity has the id {mail}. `mailweave activities --json` shows the ids.")
        return f"activity/{mail.lower()}", f"'<{printable(message_id)}>'"
    own = canonical(mail)
    with session.reading(config) as connection:
        count = regardings.filed(connection, keyed_hash(config.hash_key, "id", own))
    if count == 0:
        raise Refused(f"no mail with the id <{printable(own)}> is filed. See: mailweave activities.")
    if count > 1:
        raise Refused(
            f"{count} mails have the id <{printable(own)}>: name the activity instead, as `mailweave activities --json`"
            " shows it."
        )
    return f"message/{own}", f"'<{printable(own)}>'"
