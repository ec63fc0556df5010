"""``mailweave demo``: the whole pipeline on real servers with mails that we wrote, from nothing to conversations."""

import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from services.cli import conversation_tree, session
from services.cli import stack as local
from services.cli.demo import material, story
from services.cli.demo.material import Post
from services.cli.demo.post import deliver
from services.cli.directory_commands import apply_command as apply_directory
from services.cli.lifecycle_commands import up_command
from services.cli.mailbox_commands import add_command
from services.cli.output import plural
from services.cli.settings_files import apply_command as apply_settings
from services.cli.stack.paths import checkout
from services.cli.stack.state import write_private
from services.cli.verify_commands import verify_command
from services.cli.wait_commands import wait_command
from services.domain.errors import Refused
from services.domain.identity import keyed_hash
from services.storage.reports import activities
from services.storage.reports.explain import Explanation, explain

_GIVEN = ("MAILWEAVE_KAFKA", "MAILWEAVE_POSTGRES", "MAILWEAVE_REDIS", "MAILWEAVE_IMAP")
_SECONDS = 120.0


@click.command("demo")
@click.pass_context
def demo_command(context: click.Context) -> None:
    """
    Start servers and services of its own, deliver a set of mails, and tell what became of each.

    Everything lies in MAILWEAVE_HOME, or .mailweave/demo in the clone. The servers keep running so that you can
    look around; run it again at any time.
    """
    home = _home()
    _heading("Starting servers and services")
    context.invoke(up_command, replicas={}, dovecot=True)
    _heading("Who is who: directory, settings, mailboxes")
    _introduce(context, home)
    _heading("Delivering the mails")
    _deliver(context, home, material.posts())
    _tell(material.posts())
    _heading("Is every mail accounted for?")
    context.invoke(verify_command)
    _heading("What to do next")
    for line in _next_steps(home):
        click.echo(line)


def _home() -> Path:
    """
    Return the demonstration's home and make it that of every command that runs in it.

    Refuses servers that somebody gave: the invented company must not get into a directory that is in use.
    """
    given = [name for name in _GIVEN if os.environ.get(name)]
    if given:
        raise Refused(
            f"{', '.join(given)} is set, and the demo invents a company that must not get into servers in use. "
            f"It starts its own: run it with `env {' '.join(f'-u {name}' for name in given)} …`."
        )
    os.environ.setdefault("MAILWEAVE_HOME", str(checkout() / ".mailweave" / "demo"))
    return local.home_of(os.environ)


def _heading(text: str) -> None:
    click.echo(f"\n{text}\n{'-' * len(text)}")


def _password_file(home: Path) -> Path:
    path = home / "demo-password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(12))
    return path


def _introduce(context: click.Context, home: Path) -> None:
    with material.DIRECTORY.open("rb") as file:
        context.invoke(apply_directory, file=file)
    with material.SETTINGS.open("rb") as file:
        context.invoke(apply_settings, file=file, reason="demo", wait=True)
    password_file = _password_file(home)
    for address, owner in material.OWNERS.items():
        local.add_user(home, address, password_file.read_text("utf-8"))
        context.invoke(
            add_command,
            address=address,
            imap=_imap(),
            user=address,
            password_file=password_file,
            tls="none",
            owner=owner,
        )


def _imap() -> str:
    address = session.config().imap
    if address is None:
        raise Refused("the stack has no mail server. Remove it with `mailweave stack down` and run the demo again.")
    return address


def _deliver(context: click.Context, home: Path, posts: Sequence[Post]) -> None:
    """Deliver the reply alone first: what it answers is not there yet when it is decided."""
    password = _password_file(home).read_text("utf-8")
    first, rest = posts[:1], posts[1:]
    if deliver(_imap(), first, password):
        click.echo(f"A reply comes before the mail that it answers: {first[0].name}, to {first[0].mailbox}")
        context.invoke(wait_command, timeout=_SECONDS)
    fresh = deliver(_imap(), rest, password)
    for post in fresh:
        click.echo(f"{post.mailbox}: {post.name}")
    kept = len(rest) - len(fresh)
    if kept:
        click.echo(f"{plural(kept, 'mail')} lay there already, from an earlier run.")
    context.invoke(wait_command, timeout=_SECONDS)


def _tell(posts: Sequence[Post]) -> None:
    config = session.config()
    with session.reading(config) as connection:
        threads = list(activities.by_thread(connection))
        filed = [a["message_id"] for thread in threads for a in thread if a["message_id"]]
        wanted = dict.fromkeys([*story.ids_of(posts), *filed])
        told: list[Explanation] = []
        for one in wanted:
            told.extend(explain(connection, keyed_hash(config.hash_key, "id", one)))
    why = story.reasons(told)
    _heading("What became of them: conversations")
    for thread in threads:
        for line in conversation_tree.lines(thread, notes=lambda activity: why.get(activity["id"], ())):
            click.echo(line)
        click.echo()
    _heading("What was not filed, and why (of such mail no subject, address or text is kept)")
    for line in story.unfiled(told):
        click.echo(line)


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _next_steps(home: Path) -> Iterator[str]:
    called = Path(sys.argv[0]).absolute()
    program = _shown(called) if called.name == "mailweave" else f"{Path(sys.executable).name} -m services.cli"
    run = f"MAILWEAVE_HOME={_shown(home)} {program}"
    yield "Look further:"
    yield f"  {run} activities"
    yield f"  {run} explain '<pallet-3@harbour-foods.example>'"
    yield f"  {run} status"
    yield f"  {run} verify"
    yield f"Send mail of your own to the demo's IMAP server at {_imap()}: each address is its own user name, the"
    yield f"password is in {_shown(home / 'demo-password')}. Then:"
    yield f"  {run} wait && {run} activities"
    yield "The servers keep running. Stop them and remove the demo with all its data:"
    yield f"  {run} stack down"
