"""``mailweave simulate``: what settings would make of mail, without changing anything."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from services.cli import directory_file, session
from services.cli.output import emit, json_option, printable
from services.cli.settings_files import read_file
from services.cli.simulation import conversations, given, knowing, printing
from services.cli.simulation.again import again, decided, pairs
from services.cli.simulation.deciding import decide
from services.cli.simulation.given import Given
from services.cli.simulation.likening import Link, liken
from services.cli.simulation.matching import match
from services.cli.simulation.placing import Placing, place
from services.cli.simulation.verdicts import Verdict, verdicts
from services.domain.addresses import domain_of, normalise
from services.domain.correlation_rules import Mode, Smart
from services.domain.errors import Refused
from services.resolver.ledger import Item
from services.resolver.policy import MEGABYTE, settings_of
from services.settings import publisher, references
from services.settings import snapshot as snapshots
from services.settings.permits import collects
from services.settings.snapshot import Snapshot
from services.storage.blobs import BlobFolder

INBOX = "INBOX"


@click.command("simulate")
@click.option("--mail", "path", type=click.Path(path_type=Path), help="An mbox, Maildir, folder, .eml or .jsonl file.")
@click.option("--stored", is_flag=True, help="The mail that is stored, as it came since --since.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="With --stored; UTC.")
@click.option("--settings", "candidate", type=click.Path(path_type=Path), help="A settings file to try.")
@click.option("--directory", type=click.Path(path_type=Path), help="With --mail: the directory, as for `directory`.")
@click.option("--mailbox", metavar="ADDRESS", help="With --mail: the mailbox in which the mail is taken to lie.")
@click.option("--folder", default=INBOX, show_default=True, help="With --mail: the folder.")
@click.option("--format", "form", type=click.Choice(["decisions", "threads", "diff"]), default="decisions")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    help="With --format threads: instead of that of the settings.",
)
@json_option
def simulate_command(
    *, path: Path | None, stored: bool, since: datetime | None, candidate: Path | None, directory: Path | None,
    mailbox: str | None, folder: str, form: str, mode: str | None, as_json: bool,
) -> None:  # fmt: skip
    """
    Decide about mail by the same rules as the services, in memory, and print what would come of it.

    With --mail no server is asked: the settings are the defaults with those of --settings. With --stored they are
    those in force with those of --settings. `--format diff` shows what --settings changes; with --stored and without
    --settings, what would be decided differently today.
    """
    if (path is None) == (not stored):
        raise Refused("say which mail: either --mail PATH or --stored --since DATE.")
    given_only: dict[str, object] = {
        "--directory": directory,
        "--mailbox": mailbox,
        "--folder": folder if folder != INBOX else None,
    }
    of_no_use: dict[str, object] = given_only if stored else {"--since": since}
    of_no_use |= given_only if form == "threads" else {"--mode": mode}
    if unused := [name for name, value in of_no_use.items() if value is not None]:
        raise Refused(f"{', '.join(unused)} says nothing here: leave it out.")
    if path is not None:
        _given(path, candidate, directory, mailbox, folder, form=form, mode=mode, as_json=as_json)
    elif since is None:
        raise Refused("--stored needs --since DATE: the mail that came since then is looked at.")
    elif form == "threads":
        raise Refused("--format threads is for --mail; `mailweave activities` shows stored conversations.")
    else:
        _stored(since.replace(tzinfo=UTC), candidate, form, as_json=as_json)


def _given(
    path: Path, candidate: Path | None, directory: Path | None, mailbox: str | None, folder: str,
    *, form: str, mode: str | None, as_json: bool,
) -> None:  # fmt: skip
    if form != "threads" and not (mailbox and domain_of(mailbox)):
        raise Refused(f"--format {form} needs --mailbox ADDRESS: the mailbox in which the mail is taken to lie.")
    unreadable: list[str] = []
    unwrap = form != "threads" and collects(_with(snapshots.EMPTY, candidate), normalise(mailbox or ""))
    mails = list(given.read(path, unreadable, unwrap=unwrap, texts=form == "threads"))
    for line in unreadable:
        click.echo(printable(f"not read: {line}"), err=True)
    if not mails:
        raise Refused(f"{path} holds no mail.")
    if form == "threads":
        _threads(place(mails, "", folder, limit=_largest(mails)), _with(snapshots.EMPTY, candidate), mode)
        return
    entries, within = _entries(directory), mailbox or ""
    after = _of_mails(mails, _with(snapshots.EMPTY, candidate), entries, within, folder)
    if form == "diff":
        before = _of_mails(mails, snapshots.EMPTY, entries, within, folder)
        printing.differences(zip(before, after, strict=True), as_json=as_json)
    else:
        printing.decisions(after, as_json=as_json)


def _threads(placing: Placing, snapshot: Snapshot, mode: str | None) -> None:
    if mode is not None:
        organization = snapshot.organization.model_copy(update={"tracking_mode": mode})
        snapshot = replace(snapshot, organization=organization)
    settings = settings_of(snapshot)
    switches = settings.policy.switches
    links: Mapping[UUID, Link] = {}
    if switches.smart != Smart.OFF:
        links = match(placing, settings.smart.parameters) if settings.smart is not None else liken(placing)
    for one in conversations.lines(placing, knowing.of_given(placing.arrivals, ()), mode=switches.mode, links=links):
        emit(one)


def _largest(mails: Iterable[Given]) -> int:
    return max(mail.size for mail in mails)


def _entries(file: Path | None) -> list[dict[str, Any]]:
    if file is None:
        return []
    try:
        with file.open("rb") as lines:
            return directory_file.read(str(file), lines)
    except OSError as error:
        raise Refused(f"--directory {file}: {error.strerror}.") from None


def _with(snapshot: Snapshot, candidate: Path | None) -> Snapshot:
    """Return the snapshot as applying the file would make it."""
    if candidate is None:
        return snapshot
    try:
        objects, _ = read_file(str(candidate), candidate.read_bytes())
    except OSError as error:
        raise Refused(f"--settings {candidate}: {error.strerror}.") from None
    return references.applied(snapshot, objects)


def _of_mails(
    mails: Iterable[Given], snapshot: Snapshot, entries: Iterable[Mapping[str, Any]], mailbox: str, folder: str
) -> list[Verdict]:
    placing = place(mails, mailbox, folder, limit=snapshot.organization.message_max_mb * MEGABYTE)
    ledger = knowing.of_given(placing.arrivals, entries)
    items = [Item(a.delivered, a.message, a.wrapper) for a in placing.arrivals]
    settings = settings_of(snapshot)
    rows = decide(items, ledger, settings)
    return verdicts(items, rows, ledger, placing.labels, settings.policy.attachments)


def _stored(since: datetime, candidate: Path | None, form: str, *, as_json: bool) -> None:
    config = session.config()
    now, blobs = publisher.current(config.postgres), BlobFolder(config.blobs)
    with session.reading(config) as connection:
        stored = knowing.of_stored(connection, blobs, since, settings_of(now))
        # Decisions ask the store where they turn on it.
        after = again(stored, settings_of(_with(now, candidate), blobs=blobs))
        before = (
            again(stored, settings_of(now, blobs=blobs))
            if candidate and form != "decisions"
            else decided(stored, after)
        )
    printing.left_out(stored.unreadable)
    if form == "decisions":
        printing.decisions(after, as_json=as_json)
    else:
        printing.differences(pairs(before, after), as_json=as_json)
