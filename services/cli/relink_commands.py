"""``mailweave unlink``, ``relink``, ``split`` and ``merge``: a person says which mails belong together."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID, uuid4

import click

from services.cli import commanding, session
from services.cli.failures import failed
from services.cli.output import printable
from services.cli.publishing import sending
from services.domain.errors import Refused
from services.domain.identity import canonical_id, keyed_hash
from services.domain.message import MessageId
from services.runtime.config import Config
from services.storage.reports import relinks

LOOK_SECONDS = 0.2
Answer = TypeVar("Answer")
_reason = click.option("--reason", required=True, help="Kept with the command and shown by `mailweave explain`.")
_wait = click.option("--wait", is_flag=True, help="Until it is carried out; exit 1 when it is refused.")
_timeout = click.option(
    "--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait."
)


def _asks(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that all of these commands have."""
    return _reason(_wait(_timeout(command)))


@click.command("unlink")
@click.argument("message_id", metavar="MESSAGE-ID")
@click.argument("target", metavar="TARGET")
@_asks
def unlink_command(message_id: str, target: str, *, reason: str, wait: bool, timeout: float) -> None:
    """Say that a message does not belong to TARGET. No mail that comes later ties the two again."""
    _ask("unlink", [message_id, target], reason, wait=wait, timeout=timeout)


@click.command("relink")
@click.argument("message_id", metavar="MESSAGE-ID")
@click.argument("target", metavar="TARGET")
@click.argument("onto", metavar="ONTO")
@_asks
def relink_command(message_id: str, target: str, onto: str, *, reason: str, wait: bool, timeout: float) -> None:
    """Say that a message does not belong to TARGET but to ONTO."""
    _ask("relink", [message_id, target, onto], reason, wait=wait, timeout=timeout)


@click.command("split")
@click.argument("message_id", metavar="MESSAGE-ID")
@_asks
def split_command(message_id: str, *, reason: str, wait: bool, timeout: float) -> None:
    """Make a message, with all that follows from it, a conversation of its own."""
    _ask("split", [message_id], reason, wait=wait, timeout=timeout)


@click.command("merge")
@click.argument("message_id", metavar="MESSAGE-ID")
@click.argument("target", metavar="TARGET")
@_asks
def merge_command(message_id: str, target: str, *, reason: str, wait: bool, timeout: float) -> None:
    """Join the conversations of two messages: the first one belongs to TARGET from now on."""
    _ask("merge", [message_id, target], reason, wait=wait, timeout=timeout)


def _ask(kind: str, names: Sequence[str], reason: str, *, wait: bool, timeout: float) -> None:
    """Send a command about the first message; the others are its target and what it belongs to instead."""
    config = session.config()
    given = [canonical(one) for one in names]
    _refuse(config, kind, given, [keyed_hash(config.hash_key, "id", one) for one in given])
    command = uuid4()
    target, onto = (*given[1:], "", "")[:2]
    with sending(config) as send:
        send([commanding.record(command, kind, f"message/{given[0]}", reason, target=target, onto=onto)])
    if wait:
        click.echo(f"Done: {carried_out(config, command, timeout)}.")
    else:
        click.echo(f"Asked for it; `mailweave explain '<{printable(given[0])}>'` shows what came of it.")


def canonical(message_id: str) -> MessageId:
    """Return an id that a person has given."""
    found = canonical_id(message_id)
    if found is None:
        raise Refused(f"{message_id!r} is no Message-ID. Give the id as the mail has it, such as <abc@example.org>.")
    return found


def _refuse(config: Config, kind: str, given: list[MessageId], ids: list[UUID]) -> None:
    """Say at once what can make no sense; whoever carries the command out looks again."""
    if len(set(ids)) < len(ids):
        raise Refused("one message is named twice: name different ones.")
    with session.reading(config) as connection:
        if kind in ("unlink", "relink") and relinks.one_message(connection, ids[0], ids[1]):
            first, other = (printable(one) for one in given[:2])
            raise Refused(
                f"<{first}> and <{other}> are ids of one message, which is never parted from another name of its own."
            )
        for one, id_key in zip(given, ids, strict=True):
            if not relinks.has_come(connection, id_key):
                raise Refused(f"no mail with the id <{printable(one)}> has come in. See: mailweave activities.")
        if kind in ("unlink", "relink") and not relinks.is_tied(connection, ids[0], ids[1]):
            first, other = (printable(one) for one in given[:2])
            raise Refused(
                f"<{first}> does not point at <{other}>. `mailweave explain '<{first}>'` shows what it points at."
            )


def awaited(answer: Callable[[], Answer | None], seconds: float, service: str) -> Answer:
    """Wait for an answer and return it; exit 1 when the service does not give it in time."""
    deadline = time.monotonic() + seconds
    while (found := answer()) is None:
        if time.monotonic() > deadline:
            raise failed(f"not carried out within {seconds:g} seconds: is a {service} running? See: mailweave status.")
        time.sleep(LOOK_SECONDS)
    return found


def carried_out(config: Config, command: UUID, seconds: float, *, by: str = "correlator") -> str:
    """Wait for a command, and return what came of it; exit 1 when it is refused, or is not carried out in time."""
    with session.store(config, "reader") as connection:
        refused, outcome = awaited(lambda: relinks.answer(connection, command), seconds, by)
    if refused:
        raise failed(f"refused: {refused}.")
    return outcome
