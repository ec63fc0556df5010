"""What all commands that change settings have in common: who, why, from which version, and waiting for it."""

import getpass
from collections.abc import Iterable, Mapping
from typing import Any

import click
from pydantic import BaseModel

from services.cli import session
from services.cli.output import VERSION_NUMBER, plural
from services.cli.settings_wait import drain_outbox, until_known
from services.settings import publisher
from services.settings.declaring import is_idle
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


def change_options(command: Any) -> Any:  # noqa: ANN401 - click's decorators
    """Add ``--reason``, ``--author``, ``--base``, ``--wait`` and ``--timeout``."""
    command = click.option("--reason", default="", help="Kept in the history.")(command)
    command = click.option(
        "--author", "by", default=author, help="Kept in the history; by default the login name."
    )(command)  # fmt: skip
    command = click.option(
        "--base", type=VERSION_NUMBER, help="Refuse when the settings are no longer at this version."
    )(command)
    return waiting_options(command)


def objects(snapshot: Snapshot) -> dict[str, BaseModel]:
    """Return every object of a snapshot under its key."""
    found: dict[str, BaseModel] = {ORGANIZATION: snapshot.organization}
    for kind, members in (
        ("server-profile", snapshot.profiles), ("mailbox", snapshot.mailboxes), ("principal", snapshot.principals),
        ("folder-rule", snapshot.rules),
    ):  # fmt: skip
        found.update({f"{kind}/{name}": model for name, model in sorted(members.items())})
    return found


def plain(model: BaseModel) -> dict[str, Any]:
    """Return an object with all its fields, defaults filled in."""
    return model.model_dump(mode="json", by_alias=True)


def given(model: BaseModel) -> dict[str, Any]:
    """Return an object as a settings file writes it: the fields that are set."""
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def tell_idle(model: BaseModel, fields: Iterable[str]) -> None:
    """Say which of the fields are stored and act nowhere yet."""
    idle = [name for name in fields if is_idle(type(model), name)]
    if idle:
        click.echo(f"Note: {', '.join(idle)} {'is' if len(idle) == 1 else 'are'} stored and not yet acting.", err=True)


def publish(
    changes: Mapping[str, Any], *, by: str, reason: str, base: int | None, wait: bool = False, timeout: float = 0
) -> None:
    """Write changes into the history and put them onto the topic; say what happened, and wait when asked to."""
    config = session.config()
    before = publisher.current(config.postgres).version
    version = publisher.publish(config.postgres, changes, author=by, reason=reason, base_version=base)
    drain_outbox(config)
    if version == before:
        click.echo(f"Nothing changed; settings version {version}.")
    else:
        click.echo(f"Published {plural(version - before, 'change')}; settings version {version}.")
    if wait:
        until_known(config, version, timeout)
