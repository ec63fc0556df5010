"""``mailweave alerts``: what is wrong now, what to do about it, and what was."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Any, LiteralString

import click

from services.alerter import store
from services.cli import session
from services.cli.output import SOME, emit, json_option, plural, printable, table
from services.cli.settings_changes import author
from services.domain.alert_codes import kind_of
from services.domain.alerts import Alert, Level
from services.domain.directory import RecordRef
from services.domain.errors import Refused
from services.storage.postgres import Database
from services.storage.reports.reading import rows

_ALERTS: LiteralString = """
    SELECT * FROM alerter.alert
     WHERE (open OR (%(all)s AND resolved_at IS NOT NULL)) AND (%(level)s::text IS NULL OR level = %(level)s)
       AND (%(object)s::text IS NULL OR object = %(object)s)
       AND (%(owner)s::text IS NULL OR %(owner)s = ANY(addressees))
     ORDER BY open DESC, last_seen DESC LIMIT %(limit)s
"""


@click.group("alerts", invoke_without_command=True)
@click.option("--all", "every", is_flag=True, help="Also those that are resolved.")
@click.option("--level", type=click.Choice([level.value for level in Level]), help="Only those of this level.")
@click.option("--object", "about", help="Only those about this object, such as mailbox/ADDRESS.")
@click.option("--owner", metavar="TYPE:ID", help="Only those addressed to this user or queue: its wall.")
@click.option("--limit", type=SOME, default=100, show_default=True)
@json_option
@click.pass_context
def alert_commands(
    context: click.Context, *, every: bool, level: str | None, about: str | None, owner: str | None, limit: int,
    as_json: bool,
) -> None:  # fmt: skip
    """List what is wrong now. Alerts resolve themselves when their cause is gone."""
    if context.invoked_subcommand is not None:
        return
    if owner is not None and not all(owner.partition(":")):
        raise Refused(f"--owner {owner}: expected TYPE:ID, such as user:anna.")
    found = _found(every=every, level=level, about=about, owner=owner, limit=limit)
    if as_json:
        for one in found:
            emit(_plain(one))
        return
    if found:
        lines = [
            (
                str(a.id)[:8],
                a.level,
                a.key.code,
                a.key.object,
                a.count,
                f"{a.last_seen:%Y-%m-%d %H:%M:%S}",
                _for(a),
                _state(a),
            )
            for a in found
        ]
        table(("id", "level", "code", "about", "count", "last seen (UTC)", "for", "state"), lines, indent="")
    click.echo(plural(sum(a.open for a in found), "open alert") + ".")


@alert_commands.command("show")
@click.argument("which", metavar="ID")
def show_command(which: str) -> None:
    """Show one alert, what it means and what to do."""
    one = _one(which)
    kind = kind_of(one.key.code)
    for name, text in {**_plain(one), "means": kind.means, "to do": kind.fix}.items():
        if text not in (None, "", []):
            said = ", ".join(text) if isinstance(text, list) else str(text)
            click.echo(f"{name:<12} {printable(said)}")


@alert_commands.command("resolve")
@click.argument("which", metavar="ID")
def resolve_command(which: str) -> None:
    """Resolve an alert by hand. It comes back when its cause is seen again."""
    config = session.config()
    one = _one(which)
    with closing(Database(config.postgres, "alerter")) as database, database.transaction() as connection:
        store.resolve(connection, one.id, by=author(), at=datetime.now(UTC))
    click.echo(f"Resolved: {one.key.code} of {one.key.object}.")


def _found(
    *, every: bool, level: str | None = None, about: str | None = None, owner: str | None = None, limit: int
) -> list[Alert]:
    given: dict[str, Any] = {"all": every, "level": level, "object": about, "owner": owner, "limit": limit}
    with session.reading(session.config()) as connection:
        return [store.read(row) for row in rows(connection, _ALERTS, given)]


def _one(which: str) -> Alert:
    """Return the alert with this id, or the only one whose id begins so."""
    found = [alert for alert in _found(every=True, limit=100_000) if str(alert.id).startswith(which.lower())]
    if len(found) != 1 or not which:
        problem = "there is no alert" if not found else "there are several alerts"
        raise Refused(f"{problem} {which!r}. See: mailweave alerts --all --json.")
    return found[0]


def _state(alert: Alert) -> str:
    return "open" if alert.open else f"resolved by {alert.resolved_by}"


def _named(ref: RecordRef) -> str:
    return f"{ref.type}:{ref.id}"


def _for(alert: Alert) -> str:
    """Return for whom it is: the first, and how many more."""
    first, more = (_named(ref) for ref in alert.addressees[:1]), len(alert.addressees) - 1
    return "".join(first) + (f" +{more}" if more > 0 else "")


def _plain(alert: Alert) -> dict[str, object]:
    return {
        "id": str(alert.id),
        "level": alert.level,
        "code": alert.key.code,
        "object": alert.key.object,
        "direction": alert.key.direction,
        "state": "open" if alert.open else "resolved",
        "count": alert.count,
        "first_seen": alert.first_seen.isoformat(),
        "last_seen": alert.last_seen.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
        "resolved_by": alert.resolved_by,
        "detail": alert.detail,
        "addressees": [_named(ref) for ref in alert.addressees],
    }
