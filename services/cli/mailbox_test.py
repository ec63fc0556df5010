"""``mailweave mailbox test``: asks the fetcher to test mailboxes, and tells how that went."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import click
from psycopg import Connection

from services.cli import mailbox_words, session
from services.cli.failures import failed
from services.cli.mailbox_approval import known_mailbox
from services.cli.output import plural, printable
from services.cli.publishing import sending
from services.cli.settings_changes import author
from services.contracts import encode
from services.domain.errors import Refused
from services.fetcher.commands import TEST_MAILBOX, TOPIC
from services.runtime.config import Config
from services.settings import publisher
from services.settings.permits import readable
from services.settings.snapshot import Snapshot
from services.storage.outbox import OutboxRow
from services.storage.reports import mailbox_states
from services.storage.reports.mailbox_states import Answer, Standing

LOOK_SECONDS = 0.2


@click.command("test")
@click.argument("addresses", nargs=-1, metavar="ADDRESS…")
@click.option("--all", "every", is_flag=True, help="All mailboxes that may be read.")
@click.option("--profile", metavar="ID", help="Those of this server profile that may be read.")
@click.option("--reason", default="", help="Kept with the command.")
@click.option("--wait", is_flag=True, help="Until the results are there; exit 1 when a test fails.")
@click.option("--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait.")
def test_command(
    addresses: Sequence[str], *, every: bool, profile: str | None, reason: str, wait: bool, timeout: float
) -> None:
    """Have mailboxes tested now; one that passes is enabled. Only receiving is tested: nothing is sent yet."""
    config = session.config()
    chosen = _chosen(publisher.current(config.postgres), addresses, every=every, profile=profile)
    commands = {address: uuid4() for address in chosen}
    with sending(config) as send:
        send([_record(address, command, reason) for address, command in commands.items()])
    if wait:
        _tell(_results(config, commands, timeout), commands)
    else:
        click.echo(f"Asked for the test of {plural(len(commands), 'mailbox', 'mailboxes')}; mailweave mailbox list.")


def _chosen(snapshot: Snapshot, addresses: Sequence[str], *, every: bool, profile: str | None) -> list[str]:
    """Return the mailboxes that are meant; ``Refused`` when one may not be read, or there is none."""
    if bool(addresses) + every + (profile is not None) != 1:
        raise Refused("say which mailboxes: one or more addresses, or --all, or --profile ID.")
    allowed = readable(snapshot)
    if addresses:
        names = dict.fromkeys(known_mailbox(snapshot, address).address for address in addresses)
        for name in names:
            if name not in allowed:
                raise Refused(
                    f"{name} may not be read: it is deactivated, not approved, or read on no server. See: mailweave "
                    "mailbox show."
                )
        return list(names)
    if profile is not None and profile not in snapshot.profiles:
        raise Refused(f"there is no server profile {profile!r}. There are: {', '.join(snapshot.profiles) or 'none'}.")
    found = [a for a in allowed if profile is None or snapshot.mailboxes[a].server_profile == profile]
    if not found:
        raise Refused("there is no such mailbox that may be read. See: mailweave mailbox list.")
    return found


def _record(address: str, command: UUID, reason: str) -> OutboxRow:
    key = f"mailbox/{address}"
    value = {
        "id": str(command), "kind": TEST_MAILBOX, "object": key, "author": author(), "reason": reason,
        "time": datetime.now(UTC),
    }  # fmt: skip
    return OutboxRow(TOPIC, key.encode(), encode("Command", value))


def _results(config: Config, commands: dict[str, UUID], seconds: float) -> dict[str, str]:
    """Return what came of each command, in words that begin with the result, until all have ended or time is over."""
    deadline = time.monotonic() + seconds
    with session.store(config, "reader") as connection:
        while True:
            found = _ended(connection, commands)
            if len(found) == len(commands) or time.monotonic() > deadline:
                return found
            time.sleep(LOOK_SECONDS)


def _ended(connection: Connection, commands: dict[str, UUID]) -> dict[str, str]:
    answers = mailbox_states.answers(connection, list(commands.values()))
    standings = mailbox_states.incoming(connection)
    words = {a: _word(answers.get(command), standings.get(a)) for a, command in commands.items()}
    return {address: word for address, word in words.items() if word is not None}


def _word(answer: Answer | None, standing: Standing | None) -> str | None:
    if answer is None:
        return None
    if answer.refused:
        return f"refused: {answer.refused}"
    if standing is None or standing.tested is None or standing.tested < answer.applied:
        return None
    return mailbox_words.test(standing)


def _tell(results: dict[str, str], commands: dict[str, UUID]) -> None:
    for address in commands:
        click.echo(printable(f"{address}: {results.get(address, 'no result yet')}"))
    bad = [address for address in commands if not results.get(address, "").startswith("success")]
    if bad:
        raise failed(f"{plural(len(bad), 'mailbox', 'mailboxes')} of {len(commands)} did not pass.")
