"""After a change of the settings: getting it onto the topic, and to every service that runs."""

import time
from contextlib import closing

import click

from services.cli import session
from services.cli.failures import failed
from services.cli.publishing import sending
from services.runtime.config import Config
from services.storage import outbox
from services.storage.postgres import Database

AT_ONCE = 500


def drain_outbox(config: Config) -> int:
    """
    Publish what waits in the settings outbox; return how many records.

    The command that publishes drains it at once; for one that was cut off ``up`` does, and the resolver.
    """
    total = 0
    with closing(Database(config.postgres, "settings")) as database, sending(config) as send:
        while done := outbox.drain(database, "settings", send, AT_ONCE):
            total += done
    return total


def until_known(config: Config, version: int, seconds: float) -> None:
    """Wait until every running service reports the version; name those that do not when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        live = session.running(config)
        behind = [s for s in live if s.settings_version < version]
        if not behind:
            break
        if time.monotonic() > deadline:
            names = ", ".join(f"{s.service} {s.instance} (at {s.settings_version})" for s in behind)
            raise failed(f"after {seconds:g} s settings version {version} is not known to: {names}.")
        time.sleep(0.05)
    if live:
        click.echo(f"All {len(live)} running services know settings version {version}.")
    else:
        click.echo("No service runs; each reads the settings when it starts.")
