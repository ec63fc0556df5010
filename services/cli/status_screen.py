"""How ``mailweave status`` looks: one table a subject, as a person reads it."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import click

from services.cli.output import plural, printable, table

Row = Mapping[str, Any]
Rates = dict[str, tuple[float, int]]
"""When a process was last looked at, and how many records it had taken."""


def screen(rows: Iterable[Row], before: Rates) -> Rates:
    """Print what was found; return what the next look needs to tell rates."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["kind"], []).append(row)
    rates = _stages(found.get("service", []), found.get("topic", []), before)
    _mailboxes(found.get("mailbox", []))
    _waiting(found)
    for row in found.get("balance", []):
        _balance(row)
    for row in found.get("alerts", []):
        click.echo(f"{plural(row['open'], 'open alert')}" + (": see mailweave alerts" if row["open"] else ""))
    for row in found.get("unknown", []):
        click.echo(f"{row['what']}: {printable(row['error'])}")
    return rates


def _stages(services: list[Row], topics: list[Row], before: Rates) -> Rates:
    rates: Rates = {}
    lines = []
    for row in services:
        if row["instance"] is None:
            lines.append((row["service"], "-", "-", "-", "-", "-", "does not run", ""))
            continue
        now = time.monotonic()
        rates[row["instance"]] = now, row["in"]
        then, taken = before.get(row["instance"], (now, row["in"]))
        rate = f"{(row['in'] - taken) / (now - then):.0f}/s" if now > then else "-"
        health = row["health"]
        if health == "silent":
            health = f"silent for {row['seen_seconds_ago']:.0f} s"
        elif row["waiting_for"]:
            health = f"not ready: {row['waiting_for']}"
        error = f"{row['last_error_at'][:19].replace('T', ' ')} {row['last_error']}" if row["last_error"] else ""
        counts = (f"{row['in']:,}", f"{row['out']:,}", f"{row['rejected']:,}", rate)
        lines.append((row["service"], row["instance"], *counts, health, error[:100]))
    table(("stage", "instance", "in", "out", "rejected", "rate", "health", "last error (UTC)"), lines, indent="")
    for row in topics:
        click.echo(f"topic {row['topic']}: {row['group']} is {plural(row['lag'], 'record')} behind")
    return rates


def _mailboxes(rows: list[Row]) -> None:
    for row in rows:
        error = f"; {printable(row['last_error'])}" if row["last_error"] else ""
        click.echo(
            f"{row['mailbox']}: last check {_short(row['last_check'])}, next {_short(row['next_check'])}, "
            f"backlog {row['backlog']:,}{error}"
        )
        table(
            ["folder", "uid", "uidnext", "backlog", "error"],
            [[f["folder"], f["uid"], f["uidnext"], f["backlog"], f["error"] or ""] for f in row["folders"]],
        )


def _waiting(found: Mapping[str, list[Row]]) -> None:
    for row in found.get("outbox", []):
        click.echo(f"outbox of {row['schema']}: {plural(row['count'], 'record')}")
    for row in found.get("jobs", []):
        click.echo(f"jobs of the resolver: {row['count']:,}")
    for row in found.get("dead_letters", []):
        click.echo(f"dead letters of {row['topic']}, {row['code']}: {row['count']:,} open")


def _balance(row: Row) -> None:
    decided = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(row["decided"].items()))
    parts = f"{decided or '0 decided'}, {row['dead']:,} dead, {row['in_flight']:,} in flight"
    wrong = f"; {abs(row['difference']):,} do not add up" if row["difference"] else ""
    late = f"; {row['overdue']:,} without an end for over 15 minutes" if row["overdue"] else ""
    click.echo(f"{row['fetched']:,} deliveries: {parts}{wrong}{late}")


def _short(moment: str | None) -> str:
    return moment[:19].replace("T", " ") + " UTC" if moment else "never"
