"""``mailweave mailbox approve`` and ``reject``: which addresses may be read."""

import click

from services.cli import session
from services.cli.settings_changes import author, given, publish, waiting_options
from services.cli.settings_wait import until_known
from services.domain.addresses import normalise
from services.domain.approval import Permit
from services.domain.errors import Refused
from services.settings import models, publisher
from services.settings.permits import permit_of, push_permit_of
from services.settings.snapshot import Snapshot

_MEANS = {
    (True, Permit.ALLOWED): "is approved and is read.",
    (True, Permit.DEACTIVATED): "is approved, but deactivated: it is not read.",
    (False, Permit.PENDING): "is not approved: nobody connects to it.",
    (False, Permit.DEACTIVATED): "is not approved, and deactivated: it is not read.",
    (False, Permit.ALLOWED): "is not approved, but read all the same: the settings ask for no approval of it.",
}


def known_mailbox(snapshot: Snapshot, address: str) -> models.MailboxSettings:
    """Return the mailbox that a person named; ``Refused`` when there is none."""
    name = normalise(address)
    if name not in snapshot.mailboxes:
        raise Refused(f"there is no mailbox {name}. `mailweave mailbox list` names them.")
    return snapshot.mailboxes[name]


@click.command("approve")
@click.argument("address")
@click.option("--reason", default="", help="Kept in the history.")
@waiting_options
def approve_command(address: str, *, reason: str, wait: bool, timeout: float) -> None:
    """Let a mailbox be read whose address needs an approval."""
    _decide(address, approved=True, reason=reason or "mailbox approve", wait=wait, timeout=timeout)


@click.command("reject")
@click.argument("address")
@click.option("--reason", default="", help="Kept in the history.")
@waiting_options
def reject_command(address: str, *, reason: str, wait: bool, timeout: float) -> None:
    """Take the approval of a mailbox back, or refuse it. What was filed from it stays."""
    _decide(address, approved=False, reason=reason or "mailbox reject", wait=wait, timeout=timeout)


def _decide(address: str, *, approved: bool, reason: str, wait: bool, timeout: float) -> None:
    config = session.config()
    snapshot = publisher.current(config.postgres)
    mailbox = known_mailbox(snapshot, address)
    change = {f"mailbox/{mailbox.address}": {**given(mailbox), "approved": approved}}
    publish(change, by=author(), reason=reason, base=snapshot.version)
    after = publisher.current(config.postgres)
    permitted = push_permit_of if mailbox.incoming == "push" else permit_of
    click.echo(f"{mailbox.address} {_MEANS[approved, permitted(after, mailbox.address)]}")
    if wait:
        until_known(config, after.version, timeout)
