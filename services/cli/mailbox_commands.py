"""``mailweave mailbox``: which mailboxes are read, where, and with which credential."""

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from services.cli import mailbox_owner, session
from services.cli.mailbox_approval import approve_command, known_mailbox, reject_command
from services.cli.mailbox_show import list_command, show_command
from services.cli.mailbox_test import test_command
from services.cli.settings_commands import author, plain, publish, waiting_options
from services.cli.settings_wait import until_known
from services.cli.wait_commands import Nudge
from services.domain.addresses import normalise
from services.domain.errors import Refused
from services.fetcher.probing import probe
from services.runtime.config import Config
from services.settings import models, publisher
from services.settings.snapshot import Snapshot
from services.storage import credentials
from services.storage.postgres import Database

DEFAULT_PORTS = {"implicit": 993, "starttls": 143, "none": 143}
HIGHEST_PORT = 65_535


@click.group("mailbox")
def mailbox_commands() -> None:
    """The mailboxes that are read."""


for command in (list_command, show_command, test_command, approve_command, reject_command):
    mailbox_commands.add_command(command)


def host_and_port(text: str, tls: str) -> tuple[str, int]:
    """Split HOST[:PORT]; an IPv6 address with a port stands in square brackets."""
    host, port = text, ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    number = int(port) if port.isascii() and port.isdecimal() else DEFAULT_PORTS[tls] if not port else 0
    if not host or not 0 < number <= HIGHEST_PORT:
        raise Refused(f"--imap {text}: expected HOST or HOST:PORT with a port from 1 to {HIGHEST_PORT}.")
    return host, number


def password_in(path: Path) -> str:
    """Return the password in a file, without the line end that editors add."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"--password-file {path}: not UTF-8.") from None
    except OSError as error:
        raise Refused(f"--password-file {path}: {error.strerror}.") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or "\n" in text or "\0" in text:
        raise Refused(f"--password-file {path}: must hold the password on one line and nothing else.")
    return text


def profile_for(snapshot: Snapshot, wanted: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return id and value of the server profile: one that connects to the same place, else a new one."""
    place = {name: wanted[name] for name in ("host", "port", "tls")}
    for name, model in snapshot.profiles.items():
        have = plain(model)
        same_pace = wanted.get("pollSeconds", have["pollSeconds"]) == have["pollSeconds"]
        if {k: have[k] for k in place} == place and same_pace:
            return name, have
    name = f"{wanted['host']}-{wanted['port']}-{wanted['tls']}".lower().replace(":", "_")
    seconds = wanted.get("pollSeconds")
    return (f"{name}-{seconds}s" if name in snapshot.profiles else name), wanted


@mailbox_commands.command("add")
@click.argument("address")
@click.option("--imap", "server", required=True, metavar="HOST[:PORT]", help="The IMAP server.")
@click.option("--user", required=True, help="The login name.")
@click.option("--password-file", required=True, type=click.Path(path_type=Path), help="Holds the password on one line.")
@click.option("--tls", type=click.Choice(list(DEFAULT_PORTS)), default="implicit", show_default=True)
@click.option("--owner", metavar="[TYPE:]ID", help="The user or queue of the directory behind this mailbox.")
@click.option("--folder", "folders", multiple=True, help="A folder to read; INBOX when none is given.")
@click.option("--poll-seconds", type=int, help="How often to look.")
@click.option("--no-check", is_flag=True, help="Add it without trying to log in.")
@waiting_options
def add_command(
    address: str, *, server: str, user: str, password_file: Path, tls: str, owner: str | None,
    folders: tuple[str, ...], poll_seconds: int | None, no_check: bool, wait: bool, timeout: float,
) -> None:  # fmt: skip
    """Read a mailbox from now on, or change how it is read. Logs in first, and refuses when that fails."""
    name = normalise(address)
    host, port = host_and_port(server, tls)
    password = password_in(password_file)
    if tls == "none":
        click.echo("Warning: --tls none sends the password in clear text; use it on this machine only.", err=True)
    config = session.config()
    snapshot = publisher.current(config.postgres)
    polling = {} if poll_seconds is None else {"pollSeconds": poll_seconds}
    profile, values = profile_for(snapshot, {"host": host, "port": port, "tls": tls, **polling})
    read = list(dict.fromkeys(folders)) or ["INBOX"]
    before = snapshot.mailboxes.get(name)
    mailbox = {
        "address": name, "serverProfile": profile, "user": user, "credential": f"mailbox/{name}",
        "owner": mailbox_owner.named(config, owner) if owner else None,
        "folders": read, "enabled": True, "approved": before is None or before.approved,
    }  # fmt: skip
    changes = {f"server-profile/{profile}": values, f"mailbox/{name}": mailbox}
    checked = models.validate(f"server-profile/{profile}", values)
    models.validate(f"mailbox/{name}", mailbox)
    if not no_check:
        assert isinstance(checked, models.ServerProfile)
        _check(config, checked, user, password, tuple(read))
    with closing(Database(config.postgres, "settings")) as database, database.transaction() as connection:
        credentials.store(connection, config.cipher_key, f"mailbox/{name}", password.encode())
    publish(config, changes, by=author(), reason=f"mailbox add {name}", base=None)
    if before is not None:
        Nudge(config, [name])()  # a new password may mend what is wrong
    click.echo(f"{name} is read from {host}:{port} ({tls}), {', '.join(read)}.")
    if wait:
        until_known(config, publisher.current(config.postgres).version, timeout)


def _check(config: Config, profile: models.ServerProfile, user: str, password: str, folders: tuple[str, ...]) -> None:
    try:
        probe(profile, user, password, folders, ca_file=config.ca_file)
    except Refused as error:
        raise Refused(
            f"the mailbox was not added: {error}. Correct it and try again, or add it unchecked with --no-check."
        ) from None


@mailbox_commands.command("remove")
@click.argument("address")
@waiting_options
def remove_command(address: str, *, wait: bool, timeout: float) -> None:
    """Stop reading a mailbox. What was filed from it stays; its cursor stays, so adding it again goes on there."""
    config = session.config()
    name = known_mailbox(publisher.current(config.postgres), address).address
    publish(config, {f"mailbox/{name}": None}, by=author(), reason=f"mailbox remove {name}", base=None)
    if wait:
        until_known(config, publisher.current(config.postgres).version, timeout)
