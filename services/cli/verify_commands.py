"""``mailweave verify``: is every mail accounted for, and is everything there that something refers to."""

import click

from services.cli import session
from services.cli.failures import failed
from services.cli.output import emit, json_option, plural, printable
from services.storage.blobs import BlobFolder
from services.storage.reports.verify import Problem, blob_problems, counts, row_problems


@click.command("verify")
@json_option
def verify_command(*, as_json: bool) -> None:
    """Check that each mail taken has one decision and each activity its raw mail. Changes nothing."""
    config = session.config()
    broken = hashed = 0

    def tell(problem: Problem) -> None:
        if as_json:
            emit({"problem": problem.problem, "object": problem.object, "detail": problem.detail})
        else:
            click.echo(f"{problem.problem}: {problem.object}: {printable(problem.detail)}")

    with session.reading(config) as connection:
        checked = counts(connection)
        for problem in row_problems(connection):
            broken += 1
            tell(problem)
        for looked in blob_problems(connection, BlobFolder(config.blobs)):
            if isinstance(looked, Problem):
                broken += 1
                tell(looked)
            else:
                hashed += 1
    if as_json:
        emit({"checked": {**checked, "blobs": hashed}, "problems": broken, "ok": broken == 0})
    else:
        click.echo(
            f"Checked {plural(checked['deliveries'], 'delivery', 'deliveries')}, "
            f"{plural(checked['decisions'], 'current decision')}, "
            f"{plural(checked['activities'], 'activity', 'activities')}, "
            f"{plural(checked['cursors'], 'folder cursor')}; read and hashed {plural(hashed, 'raw mail')}."
        )
    if broken:
        raise failed(f"{plural(broken, 'problem')}. Mail on its way looks undecided: run `mailweave wait` first.")
    if not as_json:
        click.echo("All is well.")
