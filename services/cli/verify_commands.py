"""``mailweave verify``: is every mail accounted for, and is everything there that something refers to."""

import time
from collections.abc import Callable, Sequence

import click

from services.cli import session
from services.cli.failures import failed
from services.cli.output import emit, json_option, plural, printable
from services.cli.verify_server import audits
from services.fetcher.audit import Audit
from services.runtime.config import Config
from services.runtime.lag import lag
from services.storage.blobs import BlobFolder
from services.storage.reports import progress
from services.storage.reports.verify import Problem, blob_problems, counts, reference_problems, row_problems

SECOND_LOOK_SECONDS = 2.0
UNDECIDED = "delivery without decision"


@click.command("verify")
@click.option("--server", is_flag=True, help="Also compare the mail servers' folders with what was taken from them.")
@click.option("--mailbox", "only", multiple=True, metavar="ADDRESS", help="With --server: only these mailboxes.")
@json_option
def verify_command(*, server: bool, only: Sequence[str], as_json: bool) -> None:
    """
    Check that each mail taken has one decision and each activity its raw mail. Changes nothing.

    Safe while mail flows: what seems wrong is looked at twice, and mail that is on its way is no problem.
    """
    config = session.config()
    broken = 0

    def tell(problem: Problem) -> None:
        nonlocal broken
        broken += 1
        if as_json:
            emit({"problem": problem.problem, "object": problem.object, "detail": problem.detail})
        else:
            click.echo(f"{problem.problem}: {problem.object}: {printable(problem.detail)}")

    checked, hashed, on_its_way = _store(config, tell)
    folders = list(audits(config, only)) if server else []
    for one in folders:
        _compared(one, tell, as_json=as_json)
    if as_json:
        emit(
            {
                "checked": {**checked, "blobs": hashed},
                **({"folders": len(folders)} if server else {}),
                "in_flight": on_its_way,
                "problems": broken,
                "ok": broken == 0,
            }
        )
    else:
        click.echo(
            f"Checked {plural(checked['deliveries'], 'delivery', 'deliveries')}, "
            f"{plural(checked['decisions'], 'current decision')}, "
            f"{plural(checked['activities'], 'activity', 'activities')}, "
            f"{plural(checked['cursors'], 'folder cursor')}; read and hashed {plural(hashed, 'raw mail')}."
        )
        if on_its_way:
            click.echo(f"{plural(on_its_way, 'delivery', 'deliveries')} on the way.")
    if broken:
        raise failed(f"{plural(broken, 'problem')}.")
    if any(one.error for one in folders):
        raise failed("some folders could not be compared.")
    if not as_json:
        click.echo("All is well.")


def _store(config: Config, tell: Callable[[Problem], None]) -> tuple[dict[str, int], int, int]:
    """Check rows and raw mails; return what was counted, the raw mails hashed, and the mail on its way."""
    with session.reading(config) as connection:
        checked = counts(connection)
        first = set(row_problems(connection))
    lasting, on_its_way = _second_look(config, first) if first else (set(), 0)
    for problem in sorted(lasting, key=lambda p: (p.problem, p.object)):
        tell(problem)
    hashed = 0
    with session.reading(config) as connection:
        blobs = BlobFolder(config.blobs)
        for looked in blob_problems(connection, blobs):
            if isinstance(looked, Problem):
                tell(looked)
            else:
                hashed += 1
        for problem in reference_problems(connection, blobs, now=time.time()):
            tell(problem)
    return checked, hashed, on_its_way


def _second_look(config: Config, first: set[Problem]) -> tuple[set[Problem], int]:
    """Return what is still wrong a little later, and how many undecided deliveries are only on their way."""
    behind = any(p.problem == UNDECIDED for p in first) and _anything_behind(config)
    if len(first) > sum(p.problem == UNDECIDED for p in first) or behind:
        time.sleep(SECOND_LOOK_SECONDS)
    with session.reading(config) as connection:
        again = first & set(row_problems(connection))
        undecided = {problem for problem in again if problem.problem == UNDECIDED}
        if behind:
            late = {str(delivery) for delivery in progress.overdue(connection)}
            return again - {problem for problem in undecided if problem.object not in late}, len(undecided)
    return again, 0


def _anything_behind(config: Config) -> bool:
    """Whether something is under way that could still decide a mail; asked after the rows were read."""
    if any(one.records for stage in ("correlator", "resolver") for one in lag(config.kafka, stage)):
        return True
    with session.reading(config) as connection:
        return bool(progress.jobs(connection))


def _compared(one: Audit, tell: Callable[[Problem], None], *, as_json: bool) -> None:
    where = f"{one.mailbox} {one.folder}"
    for uid in one.missing:
        tell(
            Problem("mail not taken", f"{where} UID {uid}", "it is on the server, below the cursor, without a delivery")
        )
    if as_json:
        emit(
            {
                "mailbox": one.mailbox, "folder": one.folder, "on_server": one.on_server, "missing": len(one.missing),
                "backlog": one.backlog, "expunged": one.expunged, "new_epoch": one.epoch, "error": one.error or None,
            }
        )  # fmt: skip
    elif one.error:
        click.echo(f"{where}: could not be compared: {printable(one.error)}")
    elif one.epoch:
        click.echo(f"{where}: the server numbers this folder anew; its mails are recognised at the next check")
    else:
        gone = f"{one.expunged:,} taken and gone since"
        click.echo(f"{where}: {one.on_server:,} on the server, {one.backlog:,} not read yet, {gone}")
