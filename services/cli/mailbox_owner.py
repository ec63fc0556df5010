"""Which user or queue of the directory is meant by what a person typed."""

import click

from services.cli import session
from services.domain.directory import PRINCIPALS, USER
from services.domain.errors import Refused
from services.runtime.config import Config
from services.storage.reports import progress


def named(config: Config, text: str) -> dict[str, str]:
    """
    Return the owner that ``TYPE:ID`` or ``ID`` names.

    An id that the directory does not know yet is taken for a user's, with a warning: the directory may be
    filled later. Refused when a user and a queue have the id.
    """
    kind, mark, name = text.partition(":")
    if mark and (kind not in PRINCIPALS or not name):
        raise Refused(f"--owner {text}: expected user:ID, queue:ID or ID.")
    with session.reading(config) as connection:
        found = progress.principals_named(connection, name if mark else text)
    if mark:
        if kind not in {one[0] for one in found}:
            click.echo(f"Warning: the directory has no {kind} {name!r} yet.", err=True)
        return {"type": kind, "id": name}
    if len(found) > 1:
        raise Refused(f"--owner {text}: a user and a queue have this id. Say which: user:{text} or queue:{text}.")
    if not found:
        click.echo(f"Warning: the directory has no user or queue {text!r} yet; taken for a user.", err=True)
    return {"type": found[0][0] if found else USER, "id": text}
