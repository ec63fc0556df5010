"""``mailweave settings``: look at the settings that are in force, and change single fields."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from services.cli import session
from services.cli.mailbox_creation import create_missing
from services.cli.output import emit, json_option
from services.cli.settings_changes import change_options, given, objects, plain, publish, tell_idle
from services.cli.settings_files import apply_command, diff_command, export_command, restore_command
from services.cli.settings_history import history_command
from services.cli.settings_reference import docs_command, schema_command
from services.domain.directory import PRINCIPALS, RecordRef
from services.domain.errors import Refused
from services.settings import models, publisher


@click.group("settings")
def settings_commands() -> None:
    """Show and change the settings. They take effect in running services at once."""


def _known(key: str) -> Any:  # noqa: ANN401 - any of the settings models
    known = objects(publisher.current(session.config().postgres))
    if key not in known:
        raise Refused(f"there is no settings object {key!r}. There are: {', '.join(known)}.")
    return known[key]


@settings_commands.command("show")
@click.argument("key", required=False)
@json_option
def show_command(key: str | None, *, as_json: bool) -> None:
    """Print the settings in force, or one object of them, and which fields have their default."""
    snapshot = publisher.current(session.config().postgres)
    shown = objects(snapshot) if key is None else {key: _known(key)}
    for name, model in shown.items():
        values, stated = plain(model), given(model)
        if as_json:
            emit({"key": name, "value": values, "set": stated})
            continue
        click.echo(name)
        for field, value in values.items():
            note = "" if field in stated else "   (default)"
            click.echo(f"  {field} = {json.dumps(value, ensure_ascii=False)}{note}")
    if key is None and not as_json:
        click.echo(f"Settings version {snapshot.version}.")


@settings_commands.command("get")
@click.argument("key")
@click.argument("field")
def get_command(key: str, field: str) -> None:
    """Print the value of one field as JSON, such as: get organization filter.userDefault."""
    values = plain(_known(key))
    if field not in values:
        raise Refused(f"{key} has no field {field!r}. It has: {', '.join(values)}.")
    click.echo(json.dumps(values[field], ensure_ascii=False))


def merged(current: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """Return an object with the fields of ``FIELD=VALUE`` texts set; a value that is no JSON is a text."""
    result = dict(current)
    for text in assignments:
        field, mark, value = text.partition("=")
        if not mark or not field:
            raise Refused(f"{text!r}: expected FIELD=VALUE, such as filter.userDefault=1.")
        try:
            result[field] = json.loads(value)
        except ValueError:
            result[field] = value
    return result


@settings_commands.command("set")
@click.argument("key")
@click.argument("assignments", nargs=-1, required=True, metavar="FIELD=VALUE…")
@change_options
def set_command(
    key: str, assignments: Sequence[str], *, reason: str, by: str, base: int | None, wait: bool, timeout: float
) -> None:
    """Change fields of one object and leave its others as they are."""
    snapshot = publisher.current(session.config().postgres)
    known = objects(snapshot).get(key)
    value = merged(given(known) if known is not None else {}, assignments)
    tell_idle(models.validate(key, value), [text.partition("=")[0] for text in assignments])
    publish(
        {key: value}, by=by, reason=reason or "settings set", base=snapshot.version if base is None else base,
        wait=wait, timeout=timeout,
    )  # fmt: skip
    kind, _, name = key.partition("/")
    if kind == "principal":
        refs = {RecordRef(one, name.removeprefix(f"{one}:")) for one in PRINCIPALS}
        create_missing(session.config(), refs, reason or "settings set")


@settings_commands.command("unset")
@click.argument("key")
@click.argument("fields", nargs=-1, required=True, metavar="FIELD…")
@change_options
def unset_command(
    key: str, fields: Sequence[str], *, reason: str, by: str, base: int | None, wait: bool, timeout: float
) -> None:
    """Give fields of one object their defaults again."""
    snapshot = publisher.current(session.config().postgres)
    model = _known(key)
    if unknown := [field for field in fields if field not in plain(model)]:
        raise Refused(f"{key} has no field {unknown[0]!r}. It has: {', '.join(plain(model))}.")
    value = {name: value for name, value in given(model).items() if name not in fields}
    publish(
        {key: value}, by=by, reason=reason or "settings unset", base=snapshot.version if base is None else base,
        wait=wait, timeout=timeout,
    )  # fmt: skip


for command in (
    apply_command, diff_command, export_command, restore_command, history_command, docs_command, schema_command,
):  # fmt: skip
    settings_commands.add_command(command)
