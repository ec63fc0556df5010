"""``mailweave activities`` and ``mailweave explain``: what mail became, and why."""

import re
from typing import Any
from uuid import UUID

import click
from psycopg import Connection

from services.cli import conversation_tree, sentences, session
from services.cli.failures import failed
from services.cli.output import SOME, emit, json_option, plural, printable
from services.cli.record_names import record_named
from services.domain.directory import RecordRef
from services.domain.errors import Refused
from services.domain.identity import canonical_id, keyed_hash
from services.storage.reports import activities as stored
from services.storage.reports import timeline
from services.storage.reports.activities import Ref
from services.storage.reports.explain import Explanation, Traces, explain, traces
from services.storage.reports.why_not import message_of

SHOWN = 50
"""Activities of a record that are shown when nobody says how many."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@click.command("activities")
@click.option("--of", "named", metavar="TYPE/ID", help="Only what this record takes part in or what regards it.")
@click.option("--limit", type=SOME, help="With --of: how many at most.  [default: 50]")
@json_option
def activities_command(*, named: str | None, limit: int | None, as_json: bool) -> None:
    """
    Print every activity: as conversations, or with --json one object each in the order of sent_at.

    With --of: the timeline of one record, the newest first.
    """
    if named is None and limit is not None:
        raise Refused("--limit says nothing without --of TYPE/ID: leave it out, or say whose activities are meant.")
    record = record_named("--of", named) if named is not None else None
    with session.reading(session.config()) as connection:
        if record is not None:
            _timeline(connection, record, limit or SHOWN, as_json=as_json)
            return
        if as_json:
            for activity in stored.by_time(connection):
                emit(activity)
            return
        threads = count = 0
        for thread in stored.by_thread(connection):
            threads, count = threads + 1, count + len(thread)
            click.echo(f"Conversation {thread[0]['thread_id']}, {plural(len(thread), 'activity', 'activities')}")
            for line in conversation_tree.lines(thread):
                click.echo(line)
            click.echo()
        click.echo(f"{plural(count, 'activity', 'activities')} in {plural(threads, 'conversation')}.")


def _timeline(connection: Connection[Any], record: RecordRef, limit: int, *, as_json: bool) -> None:
    found = timeline.of_record(connection, record, limit + 1)
    for activity in stored.by_id(connection, found[:limit]):
        if as_json:
            emit(activity)
        else:
            for line in conversation_tree.entry(activity):
                click.echo(line)
    if len(found) > limit:
        click.echo(f"More than {limit:,}: see --limit.", err=as_json)
    elif not as_json:
        click.echo(
            f"{plural(len(found), 'activity', 'activities')} of {sentences.who(Ref(type=record.type, id=record.id))}."
        )


@click.command("explain")
@click.argument("message_id", metavar="MESSAGE-ID")
@click.option("--not", "expected", metavar="TYPE/ID", help="Say what would have had to be true for this record.")
@json_option
def explain_command(message_id: str, *, expected: str | None, as_json: bool) -> None:
    """
    Print why each delivery of a message was decided as it was. The id may stand in brackets or not.

    With --not: why it is not accepted for that user or queue, or not filed under that record, or why that takes no
    part in it.
    """
    record = record_named("--not", expected) if expected is not None else None
    canonical = canonical_id(message_id)
    if canonical is None:
        raise Refused(f"{message_id!r} is no Message-ID. Give the id as the mail has it, such as <abc@example.org>.")
    config = session.config()
    id_key = keyed_hash(config.hash_key, "id", canonical)
    with session.reading(config) as connection:
        found = explain(connection, id_key)
        if not found:
            raise _unknown(connection, message_id, canonical, traces(connection, id_key, canonical))
        if record is not None:
            # Settings and rules double the time to start, and only this question needs them.
            from services.cli import why_not  # noqa: PLC0415

            why_not.tell(config, connection, found, record, as_json=as_json)
            return
    for one in found:
        if as_json:
            emit(one)
        else:
            _print(one, of_several=len(found) > 1)


def _unknown(connection: Connection[Any], given: str, message_id: str, known: Traces) -> Exception:
    shown = f"<{printable(message_id)}>"
    if known.dead_letters:
        return failed(
            f"the record of {shown} is a dead letter, so it was never decided: {'; '.join(known.dead_letters)}."
        )
    if known.correlated:
        return failed(f"{shown} has come in and is not decided yet. Run `mailweave wait`.")
    if known.pointed_at_by:
        pointing = plural(known.pointed_at_by, "message")
        verb = "points" if known.pointed_at_by == 1 else "point"
        return Refused(f"no mail with the id {shown} has come in, but {pointing} {verb} at it.")
    meant = message_of(connection, UUID(given)) if _UUID.fullmatch(given) else None
    if meant is not None:
        return Refused(f"{given} is the id of an activity or delivery. Give its Message-ID: <{printable(meant)}>.")
    return Refused(f"no mail with the id {shown} has come in. `mailweave activities --json` shows the ids of mail.")


def _print(one: Explanation, *, of_several: bool) -> None:
    subject = f" — {printable(one['subject'])}" if one["subject"] else ""
    click.echo(f"<{printable(one['message_id'] or 'erased')}>{subject}, conversation {one['thread_id']}")
    if one["flagged"] or of_several:
        click.echo("  Flagged: another message with another sender or date has the same Message-ID.")
    if one["repairs"]:
        click.echo(f"  The mail was damaged; mended on reading: {printable('; '.join(one['repairs']))}.")
    for line in sentences.about(one):
        click.echo(f"  {line}")
    for delivery in one["deliveries"]:
        click.echo(f"  {sentences.place(delivery)} ({delivery['direction']})")
        click.echo(f"    {sentences.outcome(delivery)}")
        for line in sentences.evidence(delivery):
            click.echo(f"      - {line}")
        if delivery["outcome"] is not None:
            click.echo(
                f"    Decided {delivery['decided_at']} ({sentences.cause(delivery)}) with settings version "
                f"{delivery['settings_version']}, graph version {delivery['graph_version']}, code "
                f"{delivery['code_version']}."
            )
        for earlier in delivery["history"]:
            click.echo(
                f"    Earlier, {earlier['decided_at']} ({sentences.cause(earlier)}): {sentences.outcome(earlier)}"
            )
