"""Settings as files: publish one, write one, compare, and go back to an earlier version."""

import json
from pathlib import Path
from typing import Any, BinaryIO

import click

from services.cli import session
from services.cli.output import VERSION_NUMBER, emit, json_option, printable, source_name
from services.cli.settings_changes import ORGANIZATION, change_options, given, objects, publish
from services.domain.errors import Refused
from services.settings import differences, models, publisher
from services.settings.differences import Difference
from services.settings.snapshot import Snapshot

VERSION = "version"
"""Beside the objects of a file: the settings version it was made from."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that has one key twice: the last one would win in silence."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise Refused(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice in one object.")
    return found


def read_file(name: str, text: bytes) -> tuple[dict[str, Any], int | None]:
    """Return the objects of a settings file, each validated by itself, and the version it says it was made from."""
    try:
        value = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise Refused(f"{name}: not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Refused(f"{name}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except (ValueError, RecursionError) as error:
        raise Refused(f"{name}: not JSON that can be read: {str(error)[:100]}.") from None
    if not isinstance(value, dict):
        raise Refused(f'{name}: must be one object, such as {{"organization": {{"filter.userDefault": 1}}}}.')
    base = value.pop(VERSION, None)
    if base is not None and (not isinstance(base, int) or isinstance(base, bool) or base < 0):
        raise Refused(f"{name}: version is {json.dumps(base)[:40]}: it must be the number of a settings version.")
    problems = []
    for key, one in value.items():
        try:
            if one is not None:
                models.validate(key, one)
        except Refused as error:
            problems.append(str(error))
    if problems:
        raise Refused(f"{name}: nothing was published.\n" + "\n".join(f"  {p}" for p in problems))
    return value, base


@click.command("apply")
@click.argument("file", type=click.File("rb"))
@change_options
def apply_command(file: BinaryIO, *, reason: str, by: str, base: int | None, wait: bool, timeout: float) -> None:
    """
    Replace objects by those of a file: one JSON object, key to object, null removes. All or nothing.

    A file that says from which "version" it was made (as `settings export` does) is refused when the settings
    have changed since.
    """
    changes, made_from = read_file(source_name(file), file.read())
    publish(
        changes, by=by, reason=reason or "settings apply", base=made_from if base is None else base,
        wait=wait, timeout=timeout,
    )  # fmt: skip


def exported(snapshot: Snapshot) -> dict[str, Any]:
    """Return all objects as a settings file holds them; the organisation only when it sets something."""
    found = {key: given(model) for key, model in objects(snapshot).items()}
    return {key: value for key, value in found.items() if value or key != ORGANIZATION}


@click.command("export")
@click.option("--version", type=VERSION_NUMBER, help="As they were then; by default as they are now.")
def export_command(version: int | None) -> None:
    """Print the settings as a file for `settings apply`. It holds no credential, only their names."""
    url = session.config().postgres
    snapshot = publisher.current(url) if version is None else publisher.at(url, version)
    click.echo(json.dumps({VERSION: snapshot.version, **exported(snapshot)}, ensure_ascii=False, indent=2))


@click.command("restore")
@click.argument("version", type=VERSION_NUMBER)
@change_options
def restore_command(version: int, *, reason: str, by: str, base: int | None, wait: bool, timeout: float) -> None:
    """
    Publish everything as it was at a version, as a new version. What was added since is removed.

    Former prefixes of tracking tokens stay: mail that carries them is under way.
    """
    url = session.config().postgres
    now, then = publisher.current(url), exported(publisher.at(url, version))
    then.get(ORGANIZATION, {}).pop("tracking.token.prefixHistory", None)
    gone: dict[str, Any] = {key: None for key in exported(now) if key not in then}
    publish(
        {**then, **gone}, by=by, reason=reason or f"settings restore {version}",
        base=now.version if base is None else base, wait=wait, timeout=timeout,
    )  # fmt: skip


@click.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@json_option
def diff_command(old: str, new: str | None, *, as_json: bool) -> None:
    """
    Print what differs: two versions, a version and now, or what applying a file would change.

    OLD and NEW are version numbers or files. With a file alone, OLD is what is in force.
    """
    now = exported(publisher.current(session.config().postgres))
    if new is not None:
        before, after, file = _side(old), _side(new), not new.isdecimal()
    elif old.isdecimal():
        before, after, file = _side(old), now, False
    else:
        before, after, file = now, _side(old), True
    # A file says nothing of the objects that it does not name.
    for key in sorted(after if file else {*before, *after}):
        if key != ORGANIZATION and (before.get(key) is None) != (after.get(key) is None):
            what = "removed" if after.get(key) is None else "added"
            emit({"key": key, "object": what}) if as_json else click.echo(printable(f"{key} {what}"))
            if what == "removed":
                continue
        for one in differences.between(before.get(key), after.get(key)):
            if as_json:
                emit({"key": key, **one._asdict()})
            else:
                click.echo(printable(f"{key} {in_words(one)}"))


def _side(name: str) -> dict[str, Any]:
    if name.isdecimal():
        return exported(publisher.at(session.config().postgres, int(name)))
    try:
        objects_in_file, _ = read_file(name, Path(name).read_bytes())
    except OSError as error:
        raise Refused(f"{name}: {error.strerror}. Give a version number or a settings file.") from None
    return {
        key: None if value is None else given(models.validate(key, value)) for key, value in objects_in_file.items()
    }


def in_words(one: Difference) -> str:
    """Return a difference on one line, such as ``filter.userDefault: (default) → 0``."""
    before, after = (
        json.dumps(value, ensure_ascii=False) if is_set else "(default)"
        for value, is_set in ((one.before, one.was_set), (one.after, one.is_set))
    )
    return f"{one.field}: {before} → {after}"
