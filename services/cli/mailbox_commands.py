"""``mailweave mailbox``: which mailboxes are read, where, and with which credential."""

from contextlib import closing
from itertools import chain, count
from pathlib import Path
from typing import Any

import click

from services.cli import mailbox_owner, session
from services.cli.credential_file import password_in
from services.cli.mailbox_approval import approve_command, known_mailbox, reject_command
from services.cli.mailbox_creation import create_missing_command
from services.cli.mailbox_defaults import apply_defaults_command
from services.cli.mailbox_push import push_command
from services.cli.mailbox_show import list_command, show_command
from services.cli.mailbox_test import test_command
from services.cli.servers import credential_of
from services.cli.settings_changes import author, given, plain, publish, waiting_options
from services.cli.settings_wait import until_known
from services.cli.wait_commands import Nudge
from services.domain.addresses import normalise
from services.domain.errors import Refused
from services.fetcher.authentication import Credential
from services.fetcher.mechanisms import Password
from services.fetcher.probing import probe
from services.runtime.config import Config
from services.settings import models, publisher, references
from services.settings.snapshot import Snapshot
from services.storage import credentials
from services.storage.postgres import Database
from services.storage.sealing import Secret

DEFAULT_PORTS = {
    "imap": {"implicit": 993, "starttls": 143, "none": 143},
    "pop3": {"implicit": 995, "starttls": 110, "none": 110},
}
TLS = list(DEFAULT_PORTS["imap"])
AUTH = ["auto", "login", "plain", "xoauth2", "oauthbearer"]
HIGHEST_PORT = 65_535


@click.group("mailbox")
def mailbox_commands() -> None:
    """The mailboxes that are read."""


for command in (
    list_command, show_command, test_command, approve_command, reject_command, create_missing_command,
    apply_defaults_command, push_command,
):  # fmt: skip
    mailbox_commands.add_command(command)


def server_named(imap: str | None, pop3: str | None, tls: str) -> dict[str, Any]:
    """Return protocol, host, port and TLS of a profile from the option that names a server."""
    if (imap is None) == (pop3 is None):
        raise Refused("name the server by --imap or by --pop3, and only one of them.")
    protocol, text = ("imap", imap) if imap is not None else ("pop3", pop3 or "")
    host, port = host_and_port(text, tls, protocol)
    return {"protocol": protocol, "host": host, "port": port, "tls": tls}


def host_and_port(text: str, tls: str, protocol: str = "imap") -> tuple[str, int]:
    """Split HOST[:PORT]; an IPv6 address with a port stands in square brackets."""
    host, port = text, ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    number = int(port) if port.isascii() and port.isdecimal() else DEFAULT_PORTS[protocol][tls] if not port else 0
    if not host or not 0 < number <= HIGHEST_PORT:
        raise Refused(f"--{protocol} {text}: expected HOST or HOST:PORT with a port from 1 to {HIGHEST_PORT}.")
    return host, number


def profile_for(snapshot: Snapshot, wanted: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return id and value of the server profile: one that connects to the same place, else a new one."""
    place = {"router": None, **{name: value for name, value in wanted.items() if name != "pollSeconds"}}
    for name, model in snapshot.profiles.items():
        have = plain(model)
        same_pace = wanted.get("pollSeconds", have["pollSeconds"]) == have["pollSeconds"]
        plainly = have["active"] and have["credentialRetrieval"] == "perMailbox"
        if {k: have[k] for k in place} == place and same_pace and plainly:
            return name, given(model)
    protocol = "" if wanted.get("protocol", "imap") == "imap" else f"{wanted['protocol']}-"
    name = f"{protocol}{wanted['host']}-{wanted['port']}-{wanted['tls']}".lower().replace(":", "_")
    name += "".join(f"-{wanted[field]}" for field in ("auth", "router") if field in wanted)
    paced = f"{name}-{wanted['pollSeconds']}s" if "pollSeconds" in wanted else name
    free = (one for one in chain((name, paced), (f"{paced}-{n}" for n in count(2))) if one not in snapshot.profiles)
    return next(free), wanted


@mailbox_commands.command("add")
@click.argument("address")
@click.option("--imap", metavar="HOST[:PORT]", help="The IMAP server.")
@click.option("--pop3", metavar="HOST[:PORT]", help="The POP3 server, where there is no IMAP.")
@click.option("--user", required=True, help="The login name.")
@click.option("--password-file", type=click.Path(path_type=Path), help="Holds the password on one line; - is stdin.")
@click.option("--credential", "stored", metavar="NAME", help="A stored credential, instead of a password.")
@click.option("--tls", type=click.Choice(TLS), default="implicit", show_default=True)
@click.option("--auth", type=click.Choice(AUTH), help="How to log in; auto when not given.")
@click.option("--owner", metavar="[TYPE:]ID", help="The user or queue of the directory behind this mailbox.")
@click.option("--folder", "folders", multiple=True, help="A folder to read; INBOX when none is given.")
@click.option("--poll-seconds", type=int, help="How often to look.")
@click.option("--delete", is_flag=True, help="With --pop3, for a queue or forward mailbox: delete mail once stored.")
@click.option("--forward-mailbox", is_flag=True, help="It collects what other mailboxes forward as attachments.")
@click.option(
    "--router", metavar="NAME", help="The router that reads it; its password stays there. Implies --no-check."
)
@click.option("--no-check", is_flag=True, help="Add it without trying to log in.")
@waiting_options
def add_command(
    address: str, *, imap: str | None, pop3: str | None, user: str, password_file: Path | None, stored: str | None,
    tls: str, auth: str | None, owner: str | None, folders: tuple[str, ...], poll_seconds: int | None, delete: bool,
    forward_mailbox: bool, router: str | None,
    no_check: bool, wait: bool, timeout: float,
) -> None:  # fmt: skip
    """Read a mailbox from now on, or change how it is read. Logs in first, and refuses when that fails."""
    name = normalise(address)
    server = server_named(imap, pop3, tls)
    held = stored or f"mailbox/{name}"
    if (password_file is not None) + (stored is not None) != (router is None):
        raise Refused("give the mailbox either --password-file or --credential, or --router and neither.")
    password = None if password_file is None else password_in(password_file)
    if tls == "none":
        click.echo("Warning: --tls none sends password or token in clear text; use it on this machine only.", err=True)
    config = session.config()
    snapshot = publisher.current(config.postgres)
    asked = {"pollSeconds": poll_seconds, "router": router, "auth": auth}
    wanted = {**server, **{name: value for name, value in asked.items() if value is not None}}
    profile, values = profile_for(snapshot, wanted)
    before = snapshot.mailboxes.get(name)
    mailbox = {  # what is not named stays as it was, its approval above all
        "owner": None, "folders": ["INBOX"], "approved": True, **(given(before) if before is not None else {}),
        "address": name, "serverProfile": profile, "user": user, "credential": held, "enabled": True,
        "incoming": "sss",
        **({"owner": mailbox_owner.named(config, owner)} if owner else {}),
        **({"folders": list(dict.fromkeys(folders))} if folders else {}),
        **({"processAndDelete": True} if delete else {}),
        **({"isForwardMailbox": True} if forward_mailbox else {}),
        **({"incoming": "sss"} if before is not None and before.incoming != "sss" else {}),
    }  # fmt: skip
    read = list(mailbox["folders"])
    changes = {f"server-profile/{profile}": values, f"mailbox/{name}": mailbox}
    checked = models.validate(f"server-profile/{profile}", values)
    models.validate(f"mailbox/{name}", mailbox)
    references.applied(snapshot, changes)  # before the credential of a mailbox that is there is replaced
    with closing(Database(config.postgres, "fetcher")) as database:
        if router is None:
            credential = credential_of(config, database, held) if password is None else Password(password)
        if router is None and not no_check:
            assert isinstance(checked, models.ServerProfile)
            _check(config, checked, user, credential, tuple(read))
    if password is not None:
        with closing(Database(config.postgres, "settings")) as database, database.transaction() as connection:
            credentials.store(connection, config.cipher_key, held, Secret(password.encode()))
    publish(changes, by=author(), reason=f"mailbox add {name}", base=None)
    if before is not None:
        Nudge(config, [name])()  # a new password may mend what is wrong
    place = f"{server['host']}:{server['port']} ({tls})"
    if router is None:
        click.echo(f"{name} is read from {place}, {', '.join(read)}.")
    else:
        click.echo(f"{name} is read from {place} by the router {router}, while processing.engine is router.")
    if wait:
        until_known(config, publisher.current(config.postgres).version, timeout)


def _check(
    config: Config, profile: models.ServerProfile, user: str, credential: Credential, folders: tuple[str, ...]
) -> None:
    try:
        probe(profile, user, credential, folders, ca_file=config.ca_file)
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
    snapshot = publisher.current(config.postgres)
    name = known_mailbox(snapshot, address).address
    rules = {f"folder-rule/{key}": None for key, rule in snapshot.rules.items() if rule.mailbox == name}
    publish({**rules, f"mailbox/{name}": None}, by=author(), reason=f"mailbox remove {name}", base=None)
    if wait:
        until_known(config, publisher.current(config.postgres).version, timeout)
