"""The command line ``mailweave``: one tree of commands, one way to end."""

import click

from services import __version__
from services.cli.activity_commands import activities_command, explain_command
from services.cli.demo_commands import demo_command
from services.cli.directory_commands import directory_commands
from services.cli.failures import Commands
from services.cli.import_commands import import_command
from services.cli.lifecycle_commands import down_command, migrate_command, service_commands, up_command
from services.cli.mailbox_commands import mailbox_commands
from services.cli.settings_commands import settings_commands
from services.cli.stack_commands import stack
from services.cli.status_commands import status_command
from services.cli.topics_commands import topics_commands
from services.cli.verify_commands import verify_command
from services.cli.wait_commands import wait_command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mailweave")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(*, debug: bool) -> None:
    """Mail that sits in mailboxes becomes activities of a CRM, and every decision explains itself."""
    del debug  # read by Commands, where errors end


for command in (
    up_command,
    down_command,
    status_command,
    import_command,
    directory_commands,
    settings_commands,
    mailbox_commands,
    wait_command,
    activities_command,
    explain_command,
    verify_command,
    topics_commands,
    stack,
    demo_command,
    service_commands,
    migrate_command,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 refused, 130 interrupted."""
    cli(prog_name="mailweave")
