"""``mailweave import``: mail from files, by the same way as mail from servers."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from services.cli import session
from services.cli.failures import failed
from services.cli.output import plural, printable
from services.domain.addresses import domain_of
from services.domain.errors import Refused
from services.fetcher.app import import_ports
from services.fetcher.importing import import_path
from services.settings import publisher
from services.settings.permits import collects

MEGABYTE = 1024 * 1024
SHOWN = 20
BAR = 30


def progress_bar() -> Callable[[int, int], None]:
    """Return what shows the progress on standard error, and shows nothing where that is no terminal."""
    if not sys.stderr.isatty():
        return lambda _done, _total: None

    def show(done: int, total: int) -> None:
        filled = BAR * done // max(1, total)
        end = "\n" if done >= total else ""
        click.echo(f"\r[{'#' * filled}{' ' * (BAR - filled)}] {done:,} of {total:,}{end}", nl=False, err=True)

    return show


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--mailbox", required=True, metavar="ADDRESS", help="The mailbox in which the mail is taken to lie.")
@click.option("--folder", default="INBOX", show_default=True, help="The folder in which it is taken to lie.")
def import_command(path: Path, *, mailbox: str, folder: str) -> None:
    """
    Take over an mbox, a Maildir, a folder of .eml files or one .eml file.

    The same source again takes over nothing twice, so an import that was cut off is simply run again.
    """
    if not domain_of(mailbox):
        raise Refused(f"--mailbox {mailbox!r} is no address.")
    if not path.exists():
        raise Refused(f"{path} does not exist.")
    if not path.is_dir() and (not path.is_file() or not path.stat().st_size):
        raise Refused(f"{path} holds no mail: it is {'empty' if path.is_file() else 'no file'}.")
    config = session.config()
    settings = publisher.current(config.postgres)
    with import_ports(config, partial(collects, settings)) as ports:
        report = import_path(
            ports,
            path,
            mailbox=mailbox,
            folder=folder,
            limit=settings.organization.message_max_mb * MEGABYTE,
            progress=progress_bar(),
        )
    if not report.new + report.known + report.failed:
        raise Refused(f"{path} holds no mail: expected an mbox, a Maildir, a folder of .eml files or one of them.")
    for line in report.failures:
        click.echo(printable(f"not read: {line}"), err=True)
    click.echo(f"{plural(report.new, 'mail')} new, {report.known:,} known before.")
    for line in report.damaged[:SHOWN]:
        click.echo(printable(f"Damaged, kept as it came: {line}."))
    if len(report.damaged) > SHOWN:
        click.echo(f"… and {len(report.damaged) - SHOWN:,} more damaged mails.")
    if report.failed:
        raise failed(f"{plural(report.failed, 'file')} could not be read; all other mail was taken over.")
