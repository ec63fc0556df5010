"""``mailweave topics``: the topics of Kafka, made from and compared with ``schemas/topics/``."""

import click

from services.cli import session
from services.cli.failures import failed
from services.cli.output import emit, json_option, plural
from services.contracts.topics import catalogue
from services.runtime import admin


@click.group("topics")
def topics_commands() -> None:
    """Create the topics of the catalogue, or compare Kafka with it."""


@topics_commands.command("create")
def create_command() -> None:
    """Create what is missing. What exists is left as it is; then everything is checked."""
    config = session.config()
    admin.create(config.kafka)
    _compare(config.kafka, as_json=False)


@topics_commands.command("check")
@json_option
def check_command(*, as_json: bool) -> None:
    """Compare partitions, cleanup policy and retention; exit 1 when something differs."""
    _compare(session.config().kafka, as_json=as_json)


def _compare(kafka: str, *, as_json: bool) -> None:
    differences = admin.check(kafka)
    for one in differences:
        if as_json:
            emit({"topic": one.topic, "property": one.property, "wanted": one.wanted, "found": one.found})
        else:
            click.echo(f"{one.topic}: {one.property} is {one.found}, the catalogue wants {one.wanted}")
    if differences:
        raise failed(f"{plural(len(differences), 'difference')} between Kafka and schemas/topics.")
    if not as_json:
        click.echo(f"{plural(len(catalogue()), 'topic')} as in the catalogue.")
