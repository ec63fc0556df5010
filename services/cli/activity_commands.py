"""``mailweave activities`` and ``mailweave explain``: what mail became, and why."""

import click

from services.cli import conversation_tree, sentences, session
from services.cli.failures import failed
from services.cli.output import emit, json_option, plural, printable
from services.domain.errors import Refused
from services.domain.identity import canonical_id, keyed_hash
from services.storage.reports import activities as stored
from services.storage.reports.explain import Explanation, Traces, explain, traces


@click.command("activities")
@json_option
def activities_command(*, as_json: bool) -> None:
    """Print every activity: as conversations, or with --json one object each in the order of sent_at."""
    with session.reading(session.config()) as connection:
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


@click.command("explain")
@click.argument("message_id", metavar="MESSAGE-ID")
@json_option
def explain_command(message_id: str, *, as_json: bool) -> None:
    """Print why each delivery of a message was decided as it was. The id may stand in brackets or not."""
    canonical = canonical_id(message_id)
    if canonical is None:
        raise Refused(f"{message_id!r} is no Message-ID. Give the id as the mail has it, such as <abc@example.org>.")
    config = session.config()
    id_key = keyed_hash(config.hash_key, "id", canonical)
    with session.reading(config) as connection:
        found = explain(connection, id_key)
        known = traces(connection, id_key, canonical) if not found else None
    if known is not None:
        raise failed(_unknown(canonical, known))
    for one in found:
        if as_json:
            emit(one)
        else:
            _print(one, of_several=len(found) > 1)


def _unknown(message_id: str, known: Traces) -> str:
    shown = f"<{printable(message_id)}>"
    if known.dead_letters:
        return f"the record of {shown} is a dead letter, so it was never decided: {'; '.join(known.dead_letters)}."
    if known.correlated:
        return f"{shown} has come in and is not decided yet. Run `mailweave wait`."
    if known.pointed_at_by:
        pointing = plural(known.pointed_at_by, "message")
        verb = "points" if known.pointed_at_by == 1 else "point"
        return f"no mail with the id {shown} has come in, but {pointing} {verb} at it."
    return f"no mail with the id {shown} has come in."


def _print(one: Explanation, *, of_several: bool) -> None:
    subject = f" — {printable(one['subject'])}" if one["subject"] else ""
    click.echo(f"<{printable(one['message_id'] or 'erased')}>{subject}, conversation {one['thread_id']}")
    if one["flagged"] or of_several:
        click.echo("  Flagged: another message with another sender or date has the same Message-ID.")
    if one["repairs"]:
        click.echo(f"  The mail was damaged; mended on reading: {printable('; '.join(one['repairs']))}.")
    for left_out in one["dropped_attachments"]:
        click.echo(f"  Not attached: {sentences.dropped(left_out)}.")
    for relink in one["relinks"]:
        click.echo(f"  {sentences.relink(relink)}")
    for delivery in one["deliveries"]:
        click.echo(f"  {sentences.place(delivery)} ({delivery['direction']})")
        click.echo(f"    {sentences.outcome(delivery)}")
        for line in sentences.evidence(delivery):
            click.echo(f"      - {line}")
        if delivery["outcome"] is not None:
            click.echo(
                f"    Decided {delivery['decided_at']} ({delivery['cause']}) with settings version "
                f"{delivery['settings_version']}, graph version {delivery['graph_version']}, code "
                f"{delivery['code_version']}."
            )
        for earlier in delivery["history"]:
            click.echo(f"    Earlier, {earlier['decided_at']} ({earlier['cause']}): {sentences.outcome(earlier)}")
