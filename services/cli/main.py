"""The command line ``mailweave``: one tree of commands, one way to end."""

from collections.abc import Mapping
from importlib import import_module

import click

from services import __version__
from services.cli.failures import Commands

COMMANDS: Mapping[str, tuple[str, str]] = {
    "up": ("lifecycle_commands", "up_command"),
    "down": ("lifecycle_commands", "down_command"),
    "status": ("status_commands", "status_command"),
    "import": ("import_commands", "import_command"),
    "directory": ("directory_commands", "directory_commands"),
    "settings": ("settings_commands", "settings_commands"),
    "mailbox": ("mailbox_commands", "mailbox_commands"),
    "router": ("router_commands", "router_commands"),
    "credential": ("credential_commands", "credential_commands"),
    "token": ("token_commands", "token_commands"),
    "simulate": ("simulate_commands", "simulate_command"),
    "redecide": ("redecide_commands", "redecide_command"),
    "wait": ("wait_commands", "wait_command"),
    "activities": ("activity_commands", "activities_command"),
    "unresolved": ("unresolved_commands", "unresolved_commands"),
    "explain": ("activity_commands", "explain_command"),
    "unlink": ("relink_commands", "unlink_command"),
    "relink": ("relink_commands", "relink_command"),
    "split": ("relink_commands", "split_command"),
    "merge": ("relink_commands", "merge_command"),
    "resolve": ("resolve_commands", "resolve_command"),
    "unresolve": ("resolve_commands", "unresolve_command"),
    "regarding": ("regarding_commands", "regarding_commands"),
    "alias": ("alias_commands", "alias_commands"),
    "review": ("review_commands", "review_commands"),
    "verify": ("verify_commands", "verify_command"),
    "dead": ("dead_commands", "dead_commands"),
    "alerts": ("alert_commands", "alert_commands"),
    "topics": ("topics_commands", "topics_commands"),
    "demo": ("demo_commands", "demo_command"),
    "stack": ("stack_commands", "stack"),
    "service": ("lifecycle_commands", "service_commands"),
    "migrate": ("lifecycle_commands", "migrate_command"),
}
"""Every command with the module and name it is found under, in the order of the help."""


class Tree(Commands):
    """Loads a command when it is asked for: the client libraries of all of them would double the time to start."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return all names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return one command, or None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command = getattr(import_module(f"services.cli.{module}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Tree, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mailweave")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(*, debug: bool) -> None:
    """Mail that sits in mailboxes becomes activities of a CRM, and every decision explains itself."""
    del debug  # read by Commands, where errors end


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 refused, 130 interrupted."""
    cli(prog_name="mailweave")
