"""``mailweave credential``: what mailboxes log in with. It is stored sealed and never shown."""

from contextlib import closing
from pathlib import Path

import click

from services.cli import session
from services.cli.credential_file import oauth_in, password_in
from services.cli.mailbox_test import ask_for_tests
from services.cli.output import emit, json_option, table
from services.cli.wait_commands import Nudge
from services.domain.approval import Permit
from services.domain.errors import Refused
from services.runtime.config import Config
from services.settings import publisher
from services.settings.objects import logins
from services.settings.permits import sending_of
from services.storage import credentials
from services.storage.postgres import Database
from services.storage.sealing import Secret

LONGEST_NAME = 320


@click.group("credential")
def credential_commands() -> None:
    """What the mailboxes log in with."""


@credential_commands.command("set")
@click.argument("name")
@click.option("--password-file", type=click.Path(path_type=Path), help="Holds the password on one line; - is stdin.")
@click.option("--oauth-file", type=click.Path(path_type=Path), help="Holds an OAuth credential as JSON; - is stdin.")
def set_command(name: str, *, password_file: Path | None, oauth_file: Path | None) -> None:
    """
    Store a credential under a name, or replace it.

    Mailboxes that name it use it from their next login on. The JSON has the fields tokenEndpoint, clientId,
    refreshToken and, where the provider wants them, clientSecret and scope.
    """
    if not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        raise Refused(f"NAME must be a text of one line, with 1 to {LONGEST_NAME} characters.")
    if (password_file is None) == (oauth_file is None):
        raise Refused("give either --password-file or --oauth-file.")
    if oauth_file is not None:
        credential: Secret | credentials.OAuth = oauth_in(oauth_file)
    else:
        assert password_file is not None
        credential = Secret(password_in(password_file).encode())
    config = session.config()
    with closing(Database(config.postgres, "settings")) as database, database.transaction() as connection:
        replaced = credentials.store(connection, config.cipher_key, name, credential)
    users = _users(config).get(name, [])
    Nudge(config, users)()  # it may mend what is wrong
    if senders := _senders(config, name):
        ask_for_tests(config, senders, f"credential set {name}")
    told = ", ".join(users) or "no mailbox yet"
    click.echo(f"The credential {name} is {'replaced' if replaced else 'stored'}; it is used by {told}.")


@credential_commands.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """Print names, kinds and times, never what a credential holds."""
    config = session.config()
    with closing(Database(config.postgres, "settings")) as database, database.transaction() as connection:
        found = credentials.listed(connection)
    users = _users(config)
    if as_json:
        for one in found:
            until = one.token_expires.isoformat() if one.token_expires else None
            emit({
                "name": one.name, "kind": one.kind, "changed": one.changed.isoformat(), "tokenExpires": until,
                "mailboxes": users.get(one.name, []),
            })  # fmt: skip
        return
    lines = [
        [one.name, one.kind, f"{one.changed:%Y-%m-%d %H:%M}", ", ".join(users.get(one.name, [])) or "-"]
        for one in found
    ]
    table(["name", "kind", "changed", "mailboxes"], lines, indent="")


@credential_commands.command("remove")
@click.argument("name")
def remove_command(name: str) -> None:
    """Forget a credential that no mailbox uses."""
    config = session.config()
    if users := _users(config).get(name):
        raise Refused(
            f"the credential {name} is used by {', '.join(users)}. Give each another one with `mailweave settings set"
            f" mailbox/{users[0]} credential=NAME`, or remove the mailbox."
        )
    with closing(Database(config.postgres, "settings")) as database, database.transaction() as connection:
        if not credentials.remove(connection, name):
            raise Refused(f"there is no credential {name!r}. `mailweave credential list` names them.")
    click.echo(f"The credential {name} is removed.")


def _senders(config: Config, name: str) -> list[str]:
    """Return the mailboxes that send with a credential; their server is asked again only when somebody says so."""
    snapshot = publisher.current(config.postgres)
    found = []
    for address, mailbox in sorted(snapshot.mailboxes.items()):
        profile = snapshot.profile_of(address)
        login = logins.outgoing(mailbox, profile) if profile else None
        if login is not None and login.credential == name and sending_of(snapshot, address) is Permit.ALLOWED:
            found.append(address)
    return found


def _users(config: Config) -> dict[str, list[str]]:
    """Return the addresses of the mailboxes that log in with each credential."""
    found: dict[str, list[str]] = {}
    snapshot = publisher.current(config.postgres)
    for address, mailbox in sorted(snapshot.mailboxes.items()):
        if (profile := snapshot.profile_of(address)) is None:
            continue
        used = (logins.incoming(mailbox, profile), logins.outgoing(mailbox, profile))
        for name in dict.fromkeys(login.credential for login in used if login is not None):
            found.setdefault(name, []).append(address)
    return found
