"""``mailweave router``: the agent near a mail server that the installation cannot reach, and who may be one."""

import logging
import os
import signal
import socket
import threading
from contextlib import closing
from pathlib import Path

import click

from services.cli import session
from services.cli.failures import failed
from services.cli.output import emit, json_option, plural, printable, table
from services.domain.errors import Refused
from services.router import configuration, probing, running
from services.runtime import logs
from services.storage import router_tokens
from services.storage.postgres import Database
from services.storage.reports import routers
from services.storage.reports.activities import timestamp

file_option = click.option(
    "--config", "file", type=click.Path(path_type=Path), required=True, help="The router's file (TOML)."
)


@click.group("router")
def router_commands() -> None:
    """Routers: agents that read mailboxes near a mail server and hand their mail in."""


@router_commands.command("run")
@file_option
def run_command(*, file: Path) -> None:
    """
    Read the mailboxes of the file and hand their mail in, until asked to stop.

    Needs neither Kafka nor a database, only the endpoint. Logs to standard error.
    """
    found = configuration.load(file)
    logs.configure("router", f"{socket.gethostname()}-{os.getpid()}", "INFO")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    running.run(found, stopping)
    logging.shutdown()
    # Not a return: a thread that waits for a mail server would keep the process; what it has not handed in stays there.
    os._exit(0)


@router_commands.command("check")
@file_option
def check_command(*, file: Path) -> None:
    """Say whether file, endpoint and every mailbox work; exit 1 when something does not, 2 when the file is wrong."""
    wrong = 0
    for found in probing.look(configuration.load(file)):
        wrong += not found.well
        click.echo(printable(f"{'well ' if found.well else 'WRONG'}  {found.what}: {found.words}"))
    if wrong:
        raise failed(f"{plural(wrong, 'thing')} to be mended.")


@router_commands.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """Print the routers: whether they are let in, when they were last heard, how many mailboxes they read."""
    config = session.config()
    with closing(Database(config.postgres, "settings")) as database, database.transaction() as connection:
        tokens = {token.router: token for token in router_tokens.listed(connection)}
    with session.reading(config) as connection:
        seen, reading = routers.seen(connection), routers.mailboxes(connection)
    lines = []
    for name in sorted(tokens.keys() | seen.keys()):
        token, heard = tokens.get(name), seen.get(name)
        state = "none" if token is None else "revoked" if token.revoked else "good"
        last, silent = (heard.heard, heard.silent) if heard is not None else (None, False)
        if as_json:
            emit({
                "router": name, "token": state, "lastHeard": timestamp(last), "silent": silent,
                "mailboxes": reading.get(name, 0),
            })  # fmt: skip
            continue
        ago = f"{last:%Y-%m-%d %H:%M:%S} UTC" if last else "never"
        lines.append([name, state, ago, "missed" if silent else "", reading.get(name, 0)])
    if not as_json:
        table(["router", "token", "last heard", "", "mailboxes"], lines, indent="")


@router_commands.group("token")
def token_commands() -> None:
    """What routers show to be let in; one for each."""


@token_commands.command("create")
@click.argument("name")
@click.option("--replace", is_flag=True, help="Although it has one, which ends at once.")
def create_command(name: str, *, replace: bool) -> None:
    """Make a token for a router and print it: this once, since only its hash is kept."""
    config = session.config()
    with closing(Database(config.postgres, "settings")) as database, database.transaction() as connection:
        token = router_tokens.create(connection, name, replace=replace)
    click.echo(token.reveal().decode())
    click.echo(f"Put it into the token_file of the router {name}; it is not shown again.", err=True)


@token_commands.command("list")
@json_option
def tokens_command(*, as_json: bool) -> None:
    """Print whose tokens there are and whether they are good, never the tokens."""
    config = session.config()
    with closing(Database(config.postgres, "settings")) as database, database.transaction() as connection:
        found = router_tokens.listed(connection)
    if as_json:
        for one in found:
            emit({"router": one.router, "created": timestamp(one.created), "revoked": timestamp(one.revoked)})
        return
    lines = [
        [one.router, f"{one.created:%Y-%m-%d %H:%M}", f"{one.revoked:%Y-%m-%d %H:%M}" if one.revoked else "-"]
        for one in found
    ]
    table(["router", "created", "revoked"], lines, indent="")


@token_commands.command("revoke")
@click.argument("name")
def revoke_command(name: str) -> None:
    """Let a router in no more, from now on."""
    config = session.config()
    with closing(Database(config.postgres, "settings")) as database, database.transaction() as connection:
        if not router_tokens.revoke(connection, name):
            raise Refused(f"the router {name!r} has no token that is good. `mailweave router token list` names them.")
    click.echo(f"The router {name} is let in no more.")
