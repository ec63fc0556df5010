"""``mailweave up``, ``down`` and ``migrate``: the servers, the database, the topics and the services."""

import os
import time
from collections.abc import Mapping, Sequence

import click

from services.cli import service_processes, session
from services.cli import stack as local
from services.cli.failures import failed
from services.cli.output import plural
from services.cli.service_processes import Roster, Service
from services.cli.settings_wait import drain_outbox
from services.cli.stack.processes import alive
from services.domain.errors import Refused
from services.runtime import admin
from services.runtime.config import Config
from services.storage import migrate

READY_SECONDS = 60.0
_SERVERS = {"kafka": "MAILWEAVE_KAFKA", "postgres": "MAILWEAVE_POSTGRES", "valkey": "MAILWEAVE_REDIS"}
MOST_REPLICAS = 64


def _replicas(_: click.Context, __: click.Parameter, given: Sequence[str]) -> dict[str, int]:
    wanted = {}
    for text in given:
        name, mark, number = text.partition("=")
        if name not in session.SERVICES or not mark or not number.isdecimal() or int(number) > MOST_REPLICAS:
            raise Refused(
                f"--replicas {text}: expected SERVICE=N with one of {', '.join(session.SERVICES)} and N from 0 to "
                f"{MOST_REPLICAS}."
            )
        wanted[name] = int(number)
    return wanted


def _servers(*, dovecot: bool) -> list[str]:
    """Return the servers of the stack to bring up. A mail server of its own serves demo and tests only."""
    all_given = all(os.environ.get(variable) for variable in _SERVERS.values())
    if all_given and not os.environ.get("MAILWEAVE_IMAP"):
        return list(_SERVERS)
    return [*_SERVERS, "dovecot"] if dovecot else list(_SERVERS)


@click.command("up")
@click.option("--replicas", multiple=True, metavar="SERVICE=N", callback=_replicas, help="How many processes.")
@click.option("--dovecot/--no-dovecot", default=True, help="Also start a local mail server (demo, tests).")
def up_command(*, replicas: Mapping[str, int], dovecot: bool) -> None:
    """
    Start everything that does not run: servers, database, topics, services. Can be given again at any time.

    A server whose address is in MAILWEAVE_KAFKA, MAILWEAVE_POSTGRES or MAILWEAVE_REDIS is used, not started.
    """
    home = local.home_of(os.environ)
    local.up(home, environ=os.environ, only=_servers(dovecot=dovecot), on_ready=_say)
    config = session.config()
    prepare(config)
    roster = Roster(config.home)
    with roster.locked():
        living = roster.living()
        counts = {s: sum(one.service == s for one in living) for s in session.SERVICES}
        wanted = {s: replicas.get(s, max(1, counts[s])) for s in session.SERVICES}
        surplus = service_processes.surplus(living, wanted)
        service_processes.stop(roster, surplus)
        started = service_processes.start(roster, service_processes.missing(roster.living(), wanted), os.environ)
        _until_ready(config, roster, roster.living(), started)
    for service in surplus:
        click.echo(f"{service.name:<14} pid {service.process.pid:<8} stopped")
    for idle in (name for name, count in wanted.items() if not count):
        click.echo(f"Warning: no {idle} runs; what it does waits.", err=True)
    drained = drain_outbox(config)
    if drained:
        click.echo(f"Published {plural(drained, 'settings record')} that had waited.")
    for service in roster.living():
        how = "started" if service in started else "was running"
        click.echo(f"{service.name:<14} pid {service.process.pid:<8} {how}")


def prepare(config: Config) -> None:
    """Bring database and topics to what this version needs. Harmless when they are."""
    for name in migrate.migrate(config.postgres):
        click.echo(f"Migrated the database: {name}")
    migrate.register_key(config.postgres, config.secret_key)
    admin.create(config.kafka)
    differences = admin.check(config.kafka)
    if differences:
        lines = "\n".join(f"  {d.topic}: {d.property} is {d.found}, wanted {d.wanted}" for d in differences)
        raise failed(f"the topics of this Kafka differ from schemas/topics:\n{lines}")


@click.command("migrate")
def migrate_command() -> None:
    """Bring the database to what this version needs, and nothing else."""
    config = session.config()
    names = migrate.migrate(config.postgres)
    migrate.register_key(config.postgres, config.secret_key)
    click.echo("\n".join(f"Migrated the database: {name}" for name in names) or "The database is up to date.")


def _until_ready(config: Config, roster: Roster, services: Sequence[Service], started: Sequence[Service]) -> None:
    """Wait until each process has said in Redis that it lives; one that ends meanwhile is a failure."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        said = {status.pid for status in session.running(config) if session.ready(config, status)}
        waiting = [s for s in services if s.process.pid not in said]
        dead = [s for s in waiting if not alive(s.process)]
        late = time.monotonic() > deadline
        if dead or (waiting and late):
            first = (dead or waiting)[0]
            how = "ended while it started" if dead else f"is not ready after {READY_SECONDS:.0f} s"
            service_processes.stop(roster, [s for s in started if s.name == first.name])
            words = service_processes.last_words(roster, first.name)
            raise failed(f"{first.name} {how}. The end of {roster.log(first.name)}:\n{words}")
        if not waiting:
            return
        time.sleep(0.1)


@click.command("down")
def down_command() -> None:
    """Stop the services and the local servers. All data stay; `mailweave stack down` removes them."""
    home = local.home_of(os.environ)
    stopped, killed = service_processes.stop_all(home)
    for service in killed:
        click.echo(f"{service.name} did not stop within {service_processes.STOP_SECONDS:.0f} s and was killed.")
    if stopped:
        click.echo(f"Stopped {plural(stopped, 'service process', 'service processes')}.")
    servers = any(row.state == "running" for row in local.status(home))
    if servers:
        local.down(home, keep_data=True)
        click.echo(f"Stopped the local servers. Their data are kept in {home}.")
    if not stopped and not servers:
        click.echo("Nothing runs.")


@click.group("service")
def service_commands() -> None:
    """Start or stop single services, for tests of failures and for upgrades one by one."""


@service_commands.command("start")
@click.argument("name", metavar="SERVICE-N")
def service_start_command(name: str) -> None:
    """Start one process, such as correlator-2, with this command's environment. Does not wait for it."""
    _check(name)
    config = session.config()
    roster = Roster(config.home)
    with roster.locked():
        if any(s.name == name for s in roster.living()):
            click.echo(f"{name} runs already.")
            return
        (service,) = service_processes.start(roster, [name], os.environ)
    click.echo(f"{name} started, pid {service.process.pid}")


@service_commands.command("stop")
@click.argument("name", metavar="SERVICE-N")
def service_stop_command(name: str) -> None:
    """Stop one process, such as correlator-2."""
    _check(name)
    roster = Roster(local.home_of(os.environ))
    with roster.locked():
        mine = [s for s in roster.living() if s.name == name]
        service_processes.stop(roster, mine)
    click.echo(f"{name} is stopped." if mine else f"{name} does not run.")


def _check(name: str) -> None:
    service, _, number = name.rpartition("-")
    if service not in session.SERVICES or not number.isdecimal() or not int(number):
        raise Refused(f"{name!r}: expected a service with a number, such as {session.SERVICES[1]}-1.")


def _say(ready: local.Ready) -> None:
    click.echo(f"{ready.title:<14} {ready.address:<44} {ready.how} ({ready.seconds:.1f} s)")
