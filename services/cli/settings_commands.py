"""``mailweave settings``: look at the settings that are in force, and change them."""

import getpass
import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import click
from pydantic import BaseModel

from services.cli import session
from services.cli.output import emit, json_option, plural, source_name
from services.cli.settings_wait import drain_outbox, until_known
from services.domain.errors import Refused
from services.runtime.config import Config
from services.settings import models, publisher
from services.settings.snapshot import Snapshot

ORGANIZATION = "organization"


def author() -> str:
    """Return who changes the settings: the login name, where there is one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "cli"


def waiting_options(command: Any) -> Any:  # noqa: ANN401 - click's decorators
    """Add ``--wait`` and ``--timeout``."""
    command = click.option("--wait", is_flag=True, help="Until all running services report the version.")(command)
    return click.option(
        "--timeout", type=click.FloatRange(min=0), default=30.0, show_default=True, help="Seconds to wait."
    )(command)


def objects(snapshot: Snapshot) -> dict[str, BaseModel]:
    """Return every object of a snapshot under its key."""
    found: dict[str, BaseModel] = {ORGANIZATION: snapshot.organization}
    for kind, members in (
        ("server-profile", snapshot.profiles), ("mailbox", snapshot.mailboxes), ("principal", snapshot.principals),
    ):  # fmt: skip
        found.update({f"{kind}/{name}": model for name, model in sorted(members.items())})
    return found


def plain(model: BaseModel) -> dict[str, Any]:
    """Return an object as the settings file writes it."""
    return model.model_dump(mode="json", by_alias=True)


@click.group("settings")
def settings_commands() -> None:
    """Show and change the settings. They take effect in running services at once."""


@settings_commands.command("show")
@click.argument("key", required=False)
@json_option
def show_command(key: str | None, *, as_json: bool) -> None:
    """Print the settings in force, or one object of them, defaults filled in."""
    snapshot = publisher.current(session.config().postgres)
    known = objects(snapshot)
    if key is not None and key not in known:
        raise Refused(f"there is no settings object {key!r}. There are: {', '.join(known)}.")
    for name, model in known.items():
        if key is not None and name != key:
            continue
        if as_json:
            emit({"key": name, "value": plain(model)})
        else:
            click.echo(name)
            for field, value in plain(model).items():
                click.echo(f"  {field} = {json.dumps(value, ensure_ascii=False)}")
    if key is None and not as_json:
        click.echo(f"Settings version {snapshot.version}.")


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
@click.option("--reason", default="", help="Kept in the history.")
@click.option("--author", "by", default=author, help="Kept in the history; by default the login name.")
@waiting_options
def set_command(key: str, assignments: Sequence[str], *, reason: str, by: str, wait: bool, timeout: float) -> None:
    """Change fields of one object and leave its others as they are."""
    config = session.config()
    snapshot = publisher.current(config.postgres)
    known = objects(snapshot).get(key)
    value = merged(plain(known) if known is not None else {}, assignments)
    models.validate(key, value)
    publish(config, {key: value}, by=by, reason=reason or "settings set", base=snapshot.version)
    _finish(config, wait=wait, timeout=timeout)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that has one key twice: the last one would win in silence."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise Refused(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice in one object.")
    return found


def read_file(name: str, text: bytes) -> dict[str, Any]:
    """Return the changes that a settings file asks for, each validated by itself."""
    try:
        value = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise Refused(f"{name}: not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Refused(f"{name}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    if not isinstance(value, dict):
        raise Refused(f'{name}: must be one object, such as {{"organization": {{"filter.userDefault": 1}}}}.')
    problems = []
    for key, one in value.items():
        try:
            if one is not None:
                models.validate(key, one)
        except Refused as error:
            problems.append(str(error))
    if problems:
        raise Refused(f"{name}: nothing was published.\n" + "\n".join(f"  {p}" for p in problems))
    return value


@settings_commands.command("apply")
@click.argument("file", type=click.File("rb"))
@click.option("--reason", default="", help="Kept in the history.")
@click.option("--author", "by", default=author, help="Kept in the history; by default the login name.")
@waiting_options
def apply_command(file: BinaryIO, *, reason: str, by: str, wait: bool, timeout: float) -> None:
    """Replace objects by those of a file: one JSON object, key to object, null removes. All or nothing."""
    config = session.config()
    changes = read_file(source_name(file), file.read())
    publish(config, changes, by=by, reason=reason or "settings apply", base=None)
    _finish(config, wait=wait, timeout=timeout)


def publish(config: Config, changes: Mapping[str, Any], *, by: str, reason: str, base: int | None) -> None:
    """Write changes into the history and put them onto the topic; say what happened."""
    before = publisher.current(config.postgres).version
    version = publisher.publish(config.postgres, changes, author=by, reason=reason, base_version=base)
    drain_outbox(config)
    if version == before:
        click.echo(f"Nothing changed; settings version {version}.")
    else:
        click.echo(f"Published {plural(version - before, 'change')}; settings version {version}.")


def _finish(config: Config, *, wait: bool, timeout: float) -> None:
    if wait:
        until_known(config, publisher.current(config.postgres).version, timeout)
