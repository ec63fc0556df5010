"""``mailweave status``: what runs, what waits, what is wrong."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click

from services.cli import session
from services.cli.output import emit, json_option, plural, table
from services.domain.errors import MailweaveError
from services.runtime.config import Config
from services.runtime.lag import lag
from services.storage.reports import progress
from services.storage.reports.activities import timestamp

Row = dict[str, Any]


@click.command("status")
@json_option
def status_command(*, as_json: bool) -> None:
    """Print services, mailboxes, topics, waiting work and dead letters. What cannot be asked is said so."""
    config = session.config()
    for source in (_services, _mailboxes, _topics, _waiting):
        for row in _asked(source, config):
            if as_json:
                emit(row)
            else:
                _print(row)


def _asked(source: Callable[[Config], Iterator[Row]], config: Config) -> Iterator[Row]:
    """Yield the rows of one source; a store that does not answer becomes a row, the other sources go on."""
    try:
        yield from source(config)
    except MailweaveError as error:
        yield {"kind": "unknown", "what": source.__name__.strip("_"), "error": str(error)}


def _services(config: Config) -> Iterator[Row]:
    live = session.running(config)
    for name in session.SERVICES:
        mine = [s for s in live if s.service == name]
        for s in mine:
            yield {
                "kind": "service", "service": name, "instance": s.instance, "pid": s.pid,
                "settings_version": s.settings_version,
                "started": timestamp(datetime.fromtimestamp(s.started, UTC).replace(microsecond=0)),
                "in": s.taken, "out": s.produced, "rejected": s.rejected, "last_error": s.last_error or None,
            }  # fmt: skip
        if not mine:
            yield {"kind": "service", "service": name, "instance": None}


def _mailboxes(config: Config) -> Iterator[Row]:
    with session.reading(config) as connection:
        cursors = progress.cursors(connection)
        for m in progress.mailboxes(connection):
            own = [c for c in cursors if c.mailbox == m.mailbox]
            folders = [
                {"folder": c.folder, "uid": c.uid, "uidnext": c.uidnext, "backlog": c.backlog, "error": c.last_error}
                for c in own
            ]
            yield {
                "kind": "mailbox", "mailbox": m.mailbox, "last_check": timestamp(m.last_check),
                "next_check": timestamp(m.next_check), "backlog": sum(c.backlog for c in own),
                "last_error": m.last_error, "last_error_code": m.last_error_code, "error_count": m.error_count,
                "folders": folders,
            }  # fmt: skip


def _topics(config: Config) -> Iterator[Row]:
    for group in ("correlator", "resolver"):
        for one in lag(config.kafka, group):
            yield {"kind": "topic", "topic": one.topic, "group": group, "lag": one.records, "end": one.end}


def _waiting(config: Config) -> Iterator[Row]:
    with session.reading(config) as connection:
        for schema, count in progress.outboxes(connection).items():
            yield {"kind": "outbox", "schema": schema, "count": count}
        yield {"kind": "jobs", "count": progress.jobs(connection)}
        for one in progress.dead_letters(connection):
            yield {"kind": "dead_letters", "topic": one.topic, "code": one.code, "count": one.count}


def _short(moment: str | None) -> str:
    return moment[:19].replace("T", " ") + " UTC" if moment else "never"


def _print(row: Row) -> None:
    match row["kind"]:
        case "unknown":
            click.echo(f"{row['what']}: {row['error']}")
        case "service" if row["instance"] is None:
            click.echo(f"{row['service']}: does not run")
        case "service":
            error = f"; last error: {row['last_error']}" if row["last_error"] else ""
            click.echo(
                f"{row['service']} {row['instance']}: pid {row['pid']}, settings version {row['settings_version']}, "
                f"in {row['in']:,}, out {row['out']:,}, rejected {row['rejected']:,}{error}"
            )
        case "mailbox":
            error = f"; {row['last_error']}" if row["last_error"] else ""
            click.echo(
                f"{row['mailbox']}: last check {_short(row['last_check'])}, next {_short(row['next_check'])}, "
                f"backlog {row['backlog']:,}{error}"
            )
            table(
                ["folder", "uid", "uidnext", "backlog", "error"],
                [[f["folder"], f["uid"], f["uidnext"], f["backlog"], f["error"] or ""] for f in row["folders"]],
            )
        case "topic":
            click.echo(f"topic {row['topic']}: {row['group']} is {plural(row['lag'], 'record')} behind")
        case "outbox":
            click.echo(f"outbox of {row['schema']}: {plural(row['count'], 'record')}")
        case "jobs":
            click.echo(f"jobs of the resolver: {row['count']:,}")
        case "dead_letters":
            click.echo(f"dead letters of {row['topic']}, {row['code']}: {row['count']:,} open")
