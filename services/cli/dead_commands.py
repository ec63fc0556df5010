"""``mailweave dead``: the records that a stage could not handle, until a person has sent or given them up."""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import click
from psycopg import Connection

from services.cli import session
from services.cli.failures import failed
from services.cli.output import SOME, emit, json_option, plural, printable, table
from services.cli.settings_changes import author
from services.contracts import decode
from services.domain.alerts import Key, Signal, SignalState
from services.domain.errors import Refused, UndecodableRecord
from services.runtime import signals
from services.runtime.config import Config
from services.storage.postgres import Database
from services.storage.reports import dead
from services.storage.reports.dead import DeadLetter, Wanted
from services.storage.reports.progress import STAGES

MOST = 100_000
SHOWN_BYTES = 64


@click.group("dead")
def dead_commands() -> None:
    """Records that could not be handled: list, show, replay, discard."""


def _selection(command: Any) -> Any:  # noqa: ANN401 - click's decorators
    for option in (
        click.option("--stage", type=click.Choice(STAGES), help="Only those of this stage."),
        click.option("--topic", help="Only those of this topic."),
        click.option("--code", help="Only those with this code."),
    ):
        command = option(command)
    return command


@dead_commands.command("list")
@_selection
@click.option("--state", type=click.Choice(["open", "replayed", "discarded", "any"]), default="open", show_default=True)
@click.option("--limit", type=SOME, default=100, show_default=True)
@json_option
def list_command(
    *, stage: str | None, topic: str | None, code: str | None, state: str, limit: int, as_json: bool
) -> None:
    """List dead letters, oldest first."""
    wanted = Wanted(stage=stage, topic=topic, code=code, state=None if state == "any" else state)
    with session.reading(session.config()) as connection:
        found = dead.find(connection, wanted, limit + 1)
    for one in found[:limit] if as_json else ():
        emit(_plain(one))
    if not as_json:
        lines = [(o.place, o.code, f"{o.failed:%Y-%m-%d %H:%M:%S}", o.state, o.detail[:80]) for o in found[:limit]]
        if lines:
            table(("which", "code", "failed (UTC)", "state", "detail"), lines, indent="")
        click.echo(
            f"More than {limit:,}: see --limit." if len(found) > limit else plural(len(found), "dead letter") + "."
        )


@dead_commands.command("show")
@click.argument("place", metavar="TOPIC/PARTITION/OFFSET")
@json_option
def show_command(place: str, *, as_json: bool) -> None:
    """Show everything that is known of one dead letter."""
    with session.reading(session.config()) as connection:
        letter = _one(connection, place)
        value, headers, actions = dead.content(connection, letter)
    record, why = _decoded(value)
    done = [{"action": a.action, "author": a.author, "reason": a.reason, "time": a.time.isoformat()} for a in actions]
    if as_json:
        emit({**_plain(letter), "headers": headers, "record": record, "undecodable": why, "actions": done})
        return
    for name, text in _plain(letter).items():
        if text not in (None, ""):
            click.echo(f"{name:<12} {printable(str(text))}")
    for name, text in headers.items():
        click.echo(f"header       {printable(f'{name}: {text}')}")
    click.echo(f"record       {printable(record) if record else why}")
    for action in actions:
        click.echo(
            f"{action.action:<12} {action.time:%Y-%m-%d %H:%M:%S} by {action.author}: {printable(action.reason)}"
        )


@dead_commands.command("replay")
@click.argument("places", nargs=-1, metavar="[TOPIC/PARTITION/OFFSET]...")
@_selection
@click.option("--all-open", is_flag=True, help="Every open one.")
@click.option("--again", is_flag=True, help="Also those that were replayed or discarded before; only with names.")
@click.option("--reason", default="", help="Kept with the dead letter.")
def replay_command(
    places: Sequence[str],
    *,
    stage: str | None,
    topic: str | None,
    code: str | None,
    all_open: bool,
    again: bool,
    reason: str,
) -> None:
    """Send records again, with their keys and headers. One that dies again is a new dead letter that says so."""
    if again and not places:
        raise Refused("--again: name the dead letters, so that none is sent twice by mistake.")

    def act(connection: Connection[Any], letter: DeadLetter) -> bool:
        return dead.replay(connection, letter, author=author(), reason=reason, again=again)

    done, left = _act(session.config(), places, _open(stage, topic, code), act, all_open=all_open)
    click.echo(f"Sent {plural(done, 'record')} again.")
    _refuse_left(left, "Give --again to send what was replayed or discarded before.")


@dead_commands.command("discard")
@click.argument("places", nargs=-1, metavar="[TOPIC/PARTITION/OFFSET]...")
@_selection
@click.option("--all-open", is_flag=True, help="Every open one.")
@click.option("--reason", required=True, help="Why; kept with the dead letter.")
def discard_command(
    places: Sequence[str], *, stage: str | None, topic: str | None, code: str | None, all_open: bool, reason: str
) -> None:
    """Give records up. They stay where they are, and `dead replay --again` takes it back."""
    if not reason.strip():
        raise Refused("--reason: say why.")

    def act(connection: Connection[Any], letter: DeadLetter) -> bool:
        return dead.discard(connection, letter, author=author(), reason=reason)

    done, left = _act(session.config(), places, _open(stage, topic, code), act, all_open=all_open)
    click.echo(f"Gave up {plural(done, 'record')}.")
    _refuse_left(left, "Only an open one can be given up.")


def _act(
    config: Config,
    places: Sequence[str],
    only: Wanted,
    act: Callable[[Connection[Any], DeadLetter], bool],
    *,
    all_open: bool,
) -> tuple[int, list[str]]:
    """Do something with each dead letter meant, one transaction each; return how many, and those that were not open."""
    narrowed = any((only.stage, only.topic, only.code))
    if sum((bool(places), narrowed or all_open)) != 1:
        raise Refused("name dead letters, or choose them by --stage, --topic, --code or --all-open.")
    with session.reading(config) as connection:
        if places:
            letters = [_one(connection, place) for place in dict.fromkeys(places)]
        else:
            letters = dead.find(connection, only, MOST)
    if not letters:
        raise Refused("there is no such open dead letter. See: mailweave dead list.")
    done, left = 0, []
    for letter in letters:
        with closing(Database(config.postgres, letter.stage)) as database, database.transaction() as connection:
            if not act(connection, letter):
                left.append(letter.place)
                continue
            done += 1
            if not dead.open_left(connection, letter.stage, letter.topic):
                key = Key(f"stage/{letter.stage}/{letter.topic}", "dead_letter")
                well = Signal(key=key, state=SignalState.CLEARED, observed=datetime.now(UTC))
                signals.append(connection, letter.stage, [well])
    return done, left


def _open(stage: str | None, topic: str | None, code: str | None) -> Wanted:
    return Wanted(stage=stage, topic=topic, code=code, state="open")


def _refuse_left(left: Sequence[str], what_to_do: str) -> None:
    if left:
        raise failed(f"not open: {', '.join(left)}. {what_to_do}")


def _one(connection: Connection[Any], place: str) -> DeadLetter:
    found = dead.find(connection, Wanted(place=dead.parse_place(place)), 2)
    if not found:
        raise Refused(f"there is no dead letter {place}. See: mailweave dead list --state any.")
    return found[0]


def _decoded(value: bytes | None) -> tuple[str | None, str]:
    if value is None:
        return None, "no value: a tombstone"
    try:
        name, record = decode(value)
    except UndecodableRecord as error:
        return None, f"{error}; begins with {value[:SHOWN_BYTES].hex()}"
    return f"{name} {record}"[:2000], ""


def _plain(one: DeadLetter) -> dict[str, object]:
    return {
        "which": one.place,
        "stage": one.stage,
        "code": one.code,
        "detail": one.detail,
        "delivery_id": None if one.delivery_id is None else str(one.delivery_id),
        "failed": one.failed.isoformat(),
        "state": one.state,
        "bytes": one.bytes,
        "replay_of": one.replay_of,
    }
