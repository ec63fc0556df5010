"""``mailweave review``: what decisions ask people, and the answers."""

from contextlib import closing
from uuid import uuid4

import click

from services.cli import commanding, session
from services.cli.output import SOME, emit, json_option, plural, printable
from services.cli.publishing import sending
from services.cli.relink_commands import canonical, carried_out
from services.cli.settings_changes import author
from services.domain.errors import Refused
from services.domain.identity import keyed_hash
from services.resolver.answering import Answer, Question, close
from services.runtime.config import Config
from services.storage.postgres import Database
from services.storage.reports import reviews
from services.storage.reports.reviews import Asked

STATES = ("open", "confirmed", "dismissed")
MOST_ASKED = 1_000
"""Questions about one message that are looked through."""
_reason = click.option("--reason", required=True, help="Kept with the answer.")


@click.group("review")
def review_commands() -> None:
    """What a person is asked about mails: list the questions, confirm or dismiss them."""


@review_commands.command("list")
@click.option("--state", type=click.Choice([*STATES, "any"]), default="open", show_default=True)
@click.option("--limit", type=SOME, default=100, show_default=True)
@json_option
def list_command(*, state: str, limit: int, as_json: bool) -> None:
    """List reviews, oldest first: whether a message belongs to another one."""
    with session.reading(session.config()) as connection:
        found = reviews.find(connection, list(STATES) if state == "any" else [state], limit + 1)
    for one in found[:limit]:
        if as_json:
            emit(one["review"])
        else:
            _show(one)
    if len(found) > limit:
        click.echo(f"More than {limit:,}: see --limit.", err=as_json)
    elif not as_json:
        click.echo(plural(len(found), "review") + ".")


@review_commands.command("confirm")
@click.argument("message_id", metavar="MESSAGE-ID")
@click.argument("target", metavar="TARGET")
@_reason
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait for it."
)
def confirm_command(message_id: str, target: str, *, reason: str, timeout: float) -> None:
    """Say that the message belongs to TARGET: it is relinked to it, and what follows from a link follows."""
    config = session.config()
    found = _asked(config, message_id, target, reason)
    review = found[0]["review"]
    if found[0]["sharing"] != 1:
        raise Refused(
            f"several messages have the id <{printable(review['target'] or '')}>, and a link is made by id: it cannot"
            " be confirmed. See: mailweave explain; then mailweave review dismiss."
        )
    own, onto = str(review["message_id"]), str(review["target"])
    command = uuid4()
    with sending(config) as send:
        parted = review["linked_to"] or onto
        send([commanding.record(command, "relink", f"message/{own}", reason, target=parted, onto=onto)])
    outcome = carried_out(config, command, timeout)
    with closing(Database(config.postgres, "resolver")) as database, database.transaction() as connection:
        for one in found:
            close(connection, _question(one), Answer.CONFIRMED, author=author(), reason=reason, command=command)
    click.echo(f"Confirmed: {outcome}.")


@review_commands.command("dismiss")
@click.argument("message_id", metavar="MESSAGE-ID")
@click.argument("target", metavar="TARGET")
@_reason
def dismiss_command(message_id: str, target: str, *, reason: str) -> None:
    """Say that it may stay as it is. The same is not asked of this message again."""
    config = session.config()
    found = _asked(config, message_id, target, reason)
    with closing(Database(config.postgres, "resolver")) as database, database.transaction() as connection:
        for one in found:
            close(connection, _question(one), Answer.DISMISSED, author=author(), reason=reason)
    click.echo(f"Dismissed {plural(len(found), 'review')}.")


def _asked(config: Config, message_id: str, target: str, reason: str) -> list[Asked]:
    """Return what is asked about this message and target: one question of each kind at most."""
    if not reason.strip():
        raise Refused("--reason: say why.")
    own, other = canonical(message_id), canonical(target)
    with session.reading(config) as connection:
        found = reviews.find(connection, ["open"], MOST_ASKED, id_key=keyed_hash(config.hash_key, "id", own))
    asked = [one for one in found if one["review"]["target"] == other]
    if not asked:
        raise Refused(
            f"nothing is asked about <{printable(own)}> and <{printable(other)}>. See: mailweave review list."
        )
    return asked


def _question(one: Asked) -> Question:
    return Question(one["message_key"], one["review"]["kind"], one["target_key"], one["asked"])


def _show(one: Asked) -> None:
    review = one["review"]
    own, target = (f"<{review[name]}>" if review[name] else "an erased one" for name in ("message_id", "target"))
    subject = f" ({review['subject']})" if review["subject"] else ""
    click.echo(printable(f"{own}{subject} and {target}: {review['kind']}, {review['confidence']:.2f}."))
    click.echo(printable(f"  {review['why']}."))
    if review["linked_to"]:
        click.echo(printable(f"  It is linked to <{review['linked_to']}> now."))
    if review["author"]:
        click.echo(printable(f"  {review['answered']}: {review['author']} {review['state']} it ({review['reason']})."))
