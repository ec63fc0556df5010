"""``mailweave mailbox test``: asks the fetcher to test mailboxes, and tells how that went."""

import time
from collections.abc import Sequence
from uuid import UUID, uuid4

import click
from psycopg import Connection

from services.cli import commanding, mailbox_words, session
from services.cli.failures import failed
from services.cli.mailbox_approval import known_mailbox
from services.cli.output import plural, printable
from services.cli.publishing import sending
from services.domain.approval import Permit
from services.domain.errors import Refused
from services.domain.mailbox_state import UNREAD
from services.fetcher.commands import TEST_MAILBOX
from services.runtime.config import Config
from services.settings import publisher
from services.settings.permits import readable, sending_of
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
    """Have mailboxes tested now; one that passes is enabled. To test sending, no mail is sent."""
    config = session.config()
    chosen = _chosen(publisher.current(config.postgres), addresses, every=every, profile=profile)
    commands = ask_for_tests(config, chosen, reason)
    if wait:
        _tell(_results(config, commands, timeout), commands)
    else:
        click.echo(f"Asked for the test of {plural(len(commands), 'mailbox', 'mailboxes')}; mailweave mailbox list.")


def ask_for_tests(config: Config, addresses: Sequence[str], reason: str) -> dict[str, UUID]:
    """Send the commands that ask for tests; return their ids by address."""
    commands = {address: uuid4() for address in addresses}
    with sending(config) as send:
        send([_record(address, command, reason) for address, command in commands.items()])
    return commands


def _chosen(snapshot: Snapshot, addresses: Sequence[str], *, every: bool, profile: str | None) -> list[str]:
    """Return the mailboxes that are meant; ``Refused`` when one may not be read, or there is none."""
    if bool(addresses) + every + (profile is not None) != 1:
        raise Refused("say which mailboxes: one or more addresses, or --all, or --profile ID.")
    sending = [a for a in snapshot.mailboxes if sending_of(snapshot, a) is Permit.ALLOWED]
    allowed = list(dict.fromkeys([*readable(snapshot), *sending]))
    if addresses:
        names = dict.fromkeys(known_mailbox(snapshot, address).address for address in addresses)
        for name in names:
            if name not in allowed:
                raise Refused(f"{name} may not be read or sent for: see mailweave mailbox show.")
        return list(names)
    if profile is not None and profile not in snapshot.profiles:
        raise Refused(f"there is no server profile {profile!r}. There are: {', '.join(snapshot.profiles) or 'none'}.")
    found = [a for a in allowed if profile is None or snapshot.mailboxes[a].server_profile == profile]
    if not found:
        raise Refused("there is no such mailbox that may be read. See: mailweave mailbox list.")
    return found


def _record(address: str, command: UUID, reason: str) -> OutboxRow:
    return commanding.record(command, TEST_MAILBOX, f"mailbox/{address}", reason)


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
    receiving, sending = mailbox_states.incoming(connection), mailbox_states.outgoing(connection)
    words = {a: _word(answers.get(c), receiving.get(a), sending.get(a)) for a, c in commands.items()}
    return {address: word for address, word in words.items() if word is not None}


def _word(answer: Answer | None, receiving: Standing | None, sending: Standing | None) -> str | None:
    """Return how it went in the directions that are driven, a failure first; None while one of them is not known."""
    if answer is None:
        return None
    if answer.refused:
        return f"refused: {answer.refused}"
    both = (("receiving", receiving), ("sending", sending))
    driven = [(name, s) for name, s in both if s is not None and s.phase not in UNREAD]
    if not driven or any(s.tested is None or s.tested < answer.applied for _, s in driven):
        return None
    words = sorted(mailbox_words.test(s).replace(s.test_result, f"{s.test_result} of {name}", 1) for name, s in driven)
    return mailbox_words.test(receiving) if [name for name, _ in driven] == ["receiving"] else "; ".join(words)


def _tell(results: dict[str, str], commands: dict[str, UUID]) -> None:
    for address in commands:
        click.echo(printable(f"{address}: {results.get(address, 'no result yet')}"))
    bad = [address for address in commands if not results.get(address, "").startswith("success")]
    if bad:
        raise failed(f"{plural(len(bad), 'mailbox', 'mailboxes')} of {len(commands)} did not pass.")
