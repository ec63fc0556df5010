"""``mailweave status``: what runs, what waits, what is wrong."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click

from services.cli import session
from services.cli.failures import failed
from services.cli.output import emit, json_option
from services.cli.status_screen import Rates, screen
from services.domain.errors import MailweaveError
from services.runtime.config import Config
from services.runtime.lag import lag
from services.storage.reports import conservation, progress
from services.storage.reports.activities import timestamp
from services.storage.reports.reading import number

Row = dict[str, Any]


@click.command("status")
@click.option("--watch", type=click.FloatRange(min=0.2), metavar="SECONDS", help="Show it anew every so many seconds.")
@json_option
def status_command(*, watch: float | None, as_json: bool) -> None:
    """Print stages, mailboxes, topics, waiting work, the balance of mail and what is wrong."""
    config = session.config()
    before: Rates = {}
    while True:
        shown = [row for source in SOURCES for row in _asked(source, config)]
        if as_json:
            for row in shown:
                emit(row)
        else:
            if watch is not None:
                click.clear()
            before = screen(shown, before)
        if watch is None:
            break
        time.sleep(watch)
    unknown = [row["what"] for row in shown if row["kind"] == "unknown"]
    if unknown:
        raise failed(f"could not be asked: {', '.join(unknown)}.")


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
                "last_error_at": timestamp(datetime.fromtimestamp(s.last_error_at, UTC)) if s.last_error else None,
                "seen_seconds_ago": round(max(0.0, time.time() - s.seen), 1), "waiting_for": s.waiting_for or None,
                "health": "silent" if s.silent else "not ready" if s.waiting_for else "ready",
            }  # fmt: skip
        if not mine:
            yield {"kind": "service", "service": name, "instance": None, "health": "does not run"}


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
    for group in progress.STAGES:
        for one in lag(config.kafka, group):
            yield {"kind": "topic", "topic": one.topic, "group": group, "lag": one.records, "end": one.end}


def _waiting(config: Config) -> Iterator[Row]:
    with session.reading(config) as connection:
        for schema, count in progress.outboxes(connection).items():
            yield {"kind": "outbox", "schema": schema, "count": count}
        yield {"kind": "jobs", "count": progress.jobs(connection)}
        for one in progress.dead_letters(connection):
            yield {"kind": "dead_letters", "topic": one.topic, "code": one.code, "count": one.count}


def _balance(config: Config) -> Iterator[Row]:
    with session.reading(config) as connection:
        found = conservation.balance(connection)
        alerts = number(connection, "SELECT count(*) FROM alerter.alert WHERE open")
    yield {
        "kind": "balance", "fetched": found.fetched, "decided": dict(found.decided), "dead": found.dead,
        "in_flight": found.in_flight, "overdue": found.overdue, "difference": found.difference,
    }  # fmt: skip
    yield {"kind": "alerts", "open": alerts}


SOURCES = (_services, _mailboxes, _topics, _waiting, _balance)
