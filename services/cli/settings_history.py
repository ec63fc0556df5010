"""Who changed which setting, when and why."""

from typing import Any

import click

from services.cli import session
from services.cli.output import SOME, emit, json_option, printable
from services.cli.settings_files import in_words
from services.settings import differences, publisher


@click.command("history")
@click.argument("key", required=False)
@click.option("--limit", type=SOME, default=50, show_default=True, help="The newest so many.")
@json_option
def history_command(key: str | None, *, limit: int, as_json: bool) -> None:
    """Print the changes, newest first, of all objects or of one, each with the fields that it changed."""
    changes = publisher.history(session.config().postgres, key)
    before: dict[str, Any] = {}
    shown = []
    for change in changes:
        shown.append((change, before.get(change.key)))
        before[change.key] = change.value
    for change, earlier in reversed(shown[-limit:]):
        fields = list(differences.between(earlier, change.value))
        if as_json:
            emit({
                "version": change.version, "key": change.key, "time": change.time.isoformat(),
                "author": change.author, "reason": change.reason, "value": change.value,
                "changed": [one._asdict() for one in fields],
            })  # fmt: skip
            continue
        what = " removed" if change.value is None else " added" if earlier is None else ""
        when = f"{change.time:%Y-%m-%d %H:%M:%S}Z"
        click.echo(f"{change.version}  {when}  {change.key}{what}  by {printable(change.author)}: "
                   f"{printable(change.reason)}")  # fmt: skip
        for one in fields if change.value is not None else ():
            click.echo(f"    {printable(in_words(one))}")
