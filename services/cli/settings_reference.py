"""The reference page and the JSON Schema of the settings."""

import json

import click

from services.domain.errors import Refused
from services.settings import reference
from services.settings.models import KINDS


@click.command("docs")
def docs_command() -> None:
    """Print the reference page of all settings, as Markdown."""
    click.echo(reference.page(), nl=False)


@click.command("schema")
@click.argument("kind", required=False)
def schema_command(kind: str | None) -> None:
    """Print the JSON Schema of all kinds of objects, or of one."""
    if kind is not None and kind not in KINDS:
        raise Refused(f"there is no kind of settings object {kind!r}. There are: {', '.join(KINDS)}.")
    found = reference.schema(kind) if kind else {name: reference.schema(name) for name in KINDS}
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))
