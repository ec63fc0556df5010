"""``mailweave wait``: until all mail that is in the mailboxes now has its decision."""

import time
from contextlib import closing

import click

from services.cli import servers, session
from services.cli.failures import failed
from services.cli.output import emit, json_option, plural, printable
from services.cli.waiting import Missing, Numbered, Target, Unreachable, Watch, until_done
from services.domain.errors import Retry
from services.fetcher import leases
from services.runtime.config import Config
from services.settings import publisher
from services.settings.permits import left_to_routers
from services.storage import cache
from services.storage.reports import progress
from services.storage.reports.reading import snapshot

NUDGE_SECONDS = 2.0


class Nudge:
    """Has the fetcher look at the mailboxes now, again after a while: one that is new to it hears only later."""

    def __init__(self, config: Config, mailboxes: list[str]) -> None:
        self._config = config
        self._mailboxes = mailboxes
        self._next = 0.0

    def __call__(self) -> None:
        """Nudge when it is time. Without Redis the mailboxes are read at their usual times."""
        if not self._mailboxes or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + NUDGE_SECONDS
        try:
            with closing(cache.redis_client(self._config.redis)) as redis, cache.world():
                leases.make_due(redis, self._mailboxes)
        except Retry:
            return


@click.command("wait")
@click.option("--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait.")
@json_option
def wait_command(*, timeout: float, as_json: bool) -> None:
    """
    Wait until all mail that lies in the enabled folders now is decided, and nothing is left in between.

    Exit 0 then; else 1 after the time-out, with a list of what is missing.
    """
    began = time.monotonic()
    config = session.config()
    settings = publisher.current(config.postgres)
    known = list(servers.targets(config, settings))
    targets = [t for t in known if isinstance(t, Target | Numbered)]
    watch = Watch(targets)
    nudge = Nudge(config, sorted({t.mailbox for t in targets}))
    with session.store(config, "reader") as connection:

        def look() -> list[Missing]:
            with snapshot(connection):
                missing = watch.look(connection)
            if any(one.what == "folder" for one in missing):
                nudge()
            return missing

        nudge()
        missing = until_done(look, now=time.monotonic, pause=time.sleep, seconds=timeout)
        if missing:
            with snapshot(connection):
                missing = watch.look(connection, thorough=True)
        with snapshot(connection):
            letters = progress.dead_letters(connection)
    missing += _idle(config) if missing else []
    # Nothing that comes later could show that these were read, so they are missing, and nobody waited for them.
    missing += [Missing("mailbox", 1, f"{u.mailbox}, {u.folder}: {u.why}") for u in known if isinstance(u, Unreachable)]
    for one in missing:
        if as_json:
            emit({"missing": one.what, "count": one.count, "detail": one.text})
        else:
            click.echo(printable(f"missing: {one.text}"))
    for letter in letters:
        if as_json:
            emit({"dead_letters": letter.count, "topic": letter.topic, "code": letter.code})
        else:
            click.echo(f"{plural(letter.count, 'open dead letter')} of {letter.topic}: {letter.code}")
    if missing:
        raise failed(f"not done after {time.monotonic() - began:.0f} s: {plural(len(missing), 'thing')} missing.")
    if not as_json:
        click.echo(_done(len(targets), left=left_to_routers(settings)))


def _done(folders: int, *, left: bool) -> str:
    unknown = " Mailboxes are left to routers: what still lies on their servers is not known here." if left else ""
    return f"Done: {plural(folders, 'folder')} read to the end, all mail decided.{unknown}"


def _idle(config: Config) -> list[Missing]:
    """Name the services that do not run: the usual reason why nothing moves."""
    live = session.running_if_known(config)
    if live is None:
        return [Missing("redis", 1, "Redis does not answer, so the services' state is unknown")]
    names = {s.service for s in live}
    return [Missing("service", 1, f"no {name} runs") for name in session.SERVICES if name not in names]
