"""``mailweave stack``: the local servers up, down, and at a look."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from services.cli import service_processes
from services.cli import stack as local
from services.cli.stack.home import ENV_FILE


class StackFailure(click.ClickException):
    """The stack cannot do what was asked."""

    exit_code = 2


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except local.StackError as error:
        raise StackFailure(str(error)) from error


@click.group()
def stack() -> None:
    """Real Kafka, PostgreSQL, Valkey and Dovecot on this machine, without containers."""


@stack.command()
def up() -> None:
    """
    Start the servers that do not run, and wait until all answer.

    Their folder is MAILWEAVE_HOME, or .mailweave/stack in the clone. A server whose address is in
    MAILWEAVE_KAFKA, MAILWEAVE_POSTGRES, MAILWEAVE_REDIS or MAILWEAVE_IMAP is used and not started.
    """
    with _told():
        done = local.up(local.home_of(os.environ), environ=os.environ, on_ready=_say)
    click.echo(f"Addresses are in {done.home / ENV_FILE}")


@stack.command()
@click.option("--keep-data", is_flag=True, help="Keep the stack's folder, for the next `up`.")
def down(*, keep_data: bool) -> None:
    """Stop the servers, and the services that use them, and remove their folder."""
    home = local.home_of(os.environ)
    with _told():
        service_processes.stop_all(home)
        done = local.down(home, keep_data=keep_data)
    if not done:
        click.echo("Nothing runs.")
    elif keep_data:
        click.echo(f"All servers are stopped; their data are in {home}")
    else:
        click.echo(f"All servers are stopped; {home} is removed.")


@stack.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def status(*, as_json: bool) -> None:
    """Say what runs, where, and how much memory it takes."""
    with _told():
        rows = local.status(local.home_of(os.environ))
    for row in rows:
        if as_json:
            click.echo(json.dumps(asdict(row), sort_keys=True))
            continue
        pid = f"pid {row.pid}" if row.pid else ""
        memory = f"{row.memory_bytes / 1_048_576:.0f} MB" if row.memory_bytes else ""
        click.echo(f"{row.title:<11} {row.state:<8} {row.address or '':<40} {pid:<12} {memory}".rstrip())


def _say(ready: local.Ready) -> None:
    click.echo(f"{ready.title:<11} {ready.address:<50} {ready.how} ({ready.seconds:.1f} s)")
