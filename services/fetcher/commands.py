"""What people ask of mailboxes: commands of the topic ``commands`` that are the fetcher's to carry out."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from uuid import UUID

from services.contracts.codec import decode
from services.contracts.records import Command
from services.domain.errors import UndecodableRecord
from services.fetcher import fetching_again, lifecycle, outgoing_life
from services.fetcher.deliveries import Database
from services.runtime.records import Batch, Input, Output

TOPIC = "commands"
TEST_MAILBOX = "test-mailbox"
DELIVERY = "delivery/"
KEPT = timedelta(days=30)  # longer than the topic keeps their records


def carry_out(
    batch: Batch, *, database: Database, make_due: Callable[[Collection[str]], None], now: Callable[[], datetime]
) -> list[Output]:
    """
    Carry out a batch of commands. Idempotent; a record that is no command is rejected, its neighbours go on.

    The mailboxes are made due after the commit, and again when the batch comes again: a crash in between forgets none.
    """
    asked, at = [], now()
    for given in batch:
        try:
            command = _command(given)
        except UndecodableRecord as error:
            batch.reject(given, error.code, str(error))
            continue
        if command["kind"] == fetching_again.FETCH:
            try:
                delivery = UUID(command["object"].removeprefix(DELIVERY))
            except ValueError:
                batch.reject(given, UndecodableRecord.code, "the command names no delivery")
                continue
            fetching_again.ask(database, UUID(command["id"]), delivery, at)
        if command["kind"] != TEST_MAILBOX:
            continue
        mailbox = command["object"].removeprefix("mailbox/")
        with database.transaction() as connection:
            row = connection.execute(
                "INSERT INTO fetcher.command (id, kind, object, author, reason, applied)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING true",
                (command["id"], command["kind"], command["object"], command["author"], command["reason"], at),
            ).fetchone()
            if row is not None:
                refused = lifecycle.request_test(connection, mailbox, at)
                if outgoing_life.request_test(connection, mailbox, at):
                    refused = ""
                connection.execute("UPDATE fetcher.command SET refused = %s WHERE id = %s", (refused, command["id"]))
                connection.execute("DELETE FROM fetcher.command WHERE applied < %s", (at - KEPT,))
        asked.append(mailbox)
    if asked:
        make_due(asked)
    return []


def _command(given: Input) -> Command:
    name, record = decode(given.value or b"")
    if name != "Command":
        raise UndecodableRecord(f"{name} is no record of this topic")
    try:
        UUID(record["id"])
    except ValueError as error:
        raise UndecodableRecord("the id of the command is no UUID") from error
    command: Command = record  # type: ignore[assignment]  # the schema has these fields
    return command
