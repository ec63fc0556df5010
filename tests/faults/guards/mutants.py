"""Copies of the services with one guard taken out, to see that the suite misses it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.runtime.config import CHECKOUT
from tests.faults.anomalies import Kind


@dataclass(frozen=True)
class Cut:
    """A statement of the source and what stands there instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A guard, how to take it out, the faults that need it, and what the judge must see without it."""

    guard: str
    faults: Sequence[str]
    sees: Kind
    cuts: Sequence[Cut] = ()
    statements: str = ""
    """SQL that takes the database's part of the guard away."""


FENCE = Mutant(
    guard="a replica that has lost its mailbox cannot write its cursor",
    faults=("pause fetcher",) * 3,
    sees=Kind.NONMONOTONIC,
    cuts=(Cut("fetcher/cursor.py", "    if row is None or row[0] != fence:\n", "    if row is None:\n"),),
)
OUTBOX = Mutant(
    guard="events are committed with the change they tell of",
    faults=("crash resolver.committed",) * 2,
    sees=Kind.LOST_WRITE,
    cuts=(
        Cut(
            "resolver/writing.py",
            '    outbox.append(connection, "resolver", events)\n',
            "    UNSENT.extend(events)\n",
        ),
        Cut(
            "resolver/writing.py",
            "Connection = psycopg.Connection[Any]\n",
            "Connection = psycopg.Connection[Any]\nUNSENT: list[outbox.OutboxRow] = []\n",
        ),
        Cut(
            "resolver/handlers.py",
            '    crash_point("resolver.committed")\n    announced()\n    return []\n',
            '    crash_point("resolver.committed")\n'
            "    from services.resolver import writing\n\n"
            "    unsent, writing.UNSENT = writing.UNSENT, []\n"
            "    return [Output(row.topic, row.key, row.value, row.headers) for row in unsent]\n",
        ),
    ),
)
RE_EMISSION = Mutant(
    guard="a redelivered mail gets its stored result again",
    faults=("crash correlator.committed",) * 2,
    sees=Kind.POLL_SKIP,
    cuts=(
        Cut(
            "correlator/store.py",
            "                return results(united, stored, [], None, 0)\n",
            "                return {}\n",
        ),
        Cut(
            "correlator/store.py",
            "        return results(united, stored, added, planned, version)\n",
            "        # What is redelivered comes with new mails in its batch as often as alone.\n"
            "        found = results(united, stored, added, planned, version)\n"
            "        return {one.message: found[one.message] for one in added}\n",
        ),
        Cut(
            "correlator/handlers.py",
            '    taken.sort(key=attrgetter("date", "uid"))\n',
            "    taken = [one for one in taken if one.sighting.message in placed]\n",
        ),
    ),
)
CONSTRAINT = Mutant(
    guard="an activity is written under its key",
    faults=("kill resolver", "crash resolver.decided"),
    sees=Kind.DUPLICATE,
    cuts=(
        Cut(
            "resolver/writing.py",
            '    upsert(connection, "resolver.activity", _ACTIVITY, rows, key=("id",), conflict=_REFRESH)\n',
            "    fields, values = ', '.join(_ACTIVITY), ', '.join(['%s'] * len(_ACTIVITY))\n"
            "    blind = f'INSERT INTO resolver.activity ({fields}) VALUES ({values})'\n"
            "    with connection.cursor() as cursor:\n"
            "        cursor.executemany(blind, rows)\n",
        ),
    ),
    statements="""
        ALTER TABLE resolver.activity DROP CONSTRAINT activity_pkey CASCADE;
        ALTER TABLE resolver.activity DROP CONSTRAINT activity_message_key_direction_key;
    """,
)
ONCE = Mutant(
    guard="a record is asked for once for an address",
    faults=("kill resolver", "crash resolver.decided"),
    sees=Kind.DUPLICATE,
    cuts=(
        Cut(
            "resolver/record_requests.py",
            'rows, key=("id",), returning=("id",)',
            'rows, key=("id", "message_key"), returning=("id",)',
        ),
    ),
    statements="""
        ALTER TABLE resolver.record_request DROP CONSTRAINT record_request_pkey;
        ALTER TABLE resolver.record_request ADD PRIMARY KEY (id, message_key);
    """,
)
MUTANTS = (FENCE, OUTBOX, RE_EMISSION, CONSTRAINT, ONCE)


def copy(mutant: Mutant, folder: Path) -> Path:
    """Copy the services and make the cuts; one that finds nothing to cut is an error. Returns the source's root."""
    shutil.copytree(CHECKOUT / "services", folder / "services", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "schemas").symlink_to(CHECKOUT / "schemas")
    for cut in mutant.cuts:
        path = folder / "services" / cut.file
        text = path.read_text("utf-8")
        count = text.count(cut.old)
        assert count == 1, f"services/{cut.file} holds this {count} times, so the guard is not where it was:\n{cut.old}"
        path.write_text(text.replace(cut.old, cut.new), "utf-8")
    return folder
