"""``mailweave mailbox push``: a mailbox that is read on no server, because its mail is pushed here."""

import click

from services.cli import mailbox_owner, session
from services.cli.settings_changes import author, given, publish, waiting_options
from services.cli.settings_wait import until_known
from services.domain.addresses import normalise
from services.settings import publisher

_OF_READING = frozenset({"folders", "receivedAfter", "processAndDelete", "isForwardMailbox"})
_OF_SERVER = frozenset({"serverProfile", "user", "credential"})


@click.command("push")
@click.argument("address")
@click.option("--owner", metavar="[TYPE:]ID", help="The user or queue of the directory behind this mailbox.")
@waiting_options
def push_command(address: str, *, owner: str | None, wait: bool, timeout: float) -> None:
    """
    Take what is pushed for a mailbox (LMTP, SMTP, the ingest directory), and read it on no server.

    One that was read keeps its owner and its approval, and its server only where that sends for it; mailweave mailbox
    add has it read again.
    """
    config = session.config()
    name = normalise(address)
    before = publisher.current(config.postgres).mailboxes.get(name)
    dropped = _OF_READING if before is not None and before.outgoing == "sss" else _OF_READING | _OF_SERVER
    mailbox = {
        **({field: v for field, v in given(before).items() if field not in dropped} if before is not None else {}),
        **({"owner": mailbox_owner.named(config, owner)} if owner else {}),
        "address": name, "incoming": "push", "enabled": True,
    }  # fmt: skip
    publish({f"mailbox/{name}": mailbox}, by=author(), reason=f"mailbox push {name}", base=None)
    click.echo(f"{name} is read on no server: what is pushed for it is taken.")
    if wait:
        until_known(config, publisher.current(config.postgres).version, timeout)
