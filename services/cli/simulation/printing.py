"""How verdicts are printed: for people, or one JSON object per line."""

from collections import Counter
from collections.abc import Iterable

import click

from services.cli import sentences
from services.cli.output import emit, plural, printable
from services.cli.simulation.verdicts import Verdict, changes
from services.cli.simulation.verdicts import left_out as left_out_of


def decisions(found: Iterable[Verdict], *, as_json: bool) -> None:
    """Print each verdict with everything that was looked at, and how often each outcome came."""
    outcomes: Counter[str] = Counter()
    for one in found:
        outcomes[one.outcome] += 1
        if as_json:
            emit({"message_id": one.label, **_place(one), **one.plain()})
        else:
            click.echo(printable(f"{one.label}: {_outcome(one)}"))
            for looked in one.looked:
                click.echo(printable(f"    {'*' if looked.counts else ' '} {looked.kind} {looked.value}: {looked.why}"))
            _left_out(one)
    if not as_json:
        click.echo(", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common()) + ".")


def left_out(unreadable: int) -> None:
    """Say how many deliveries could not be read, on stderr."""
    if unreadable:
        click.echo(f"{plural(unreadable, 'delivery', 'deliveries')} left out: content not stored.", err=True)


def differences(pairs: Iterable[tuple[Verdict, Verdict]], *, as_json: bool) -> int:
    """Print the pairs that differ, before and after, and how many do in which way; return how many do."""
    counted: Counter[str] = Counter()
    total = changed = 0
    for before, after in pairs:
        total += 1
        kinds = changes(before, after)
        counted.update(kinds)
        changed += bool(kinds)
        if not kinds:
            continue
        if as_json:
            emit({
                "message_id": after.label, **_place(after), "changes": kinds,
                "before": before.plain(), "after": after.plain(),
            })  # fmt: skip
            continue
        click.echo(printable(f"{after.label}: {', '.join(kinds)}: {_outcome(before)} → {_outcome(after)}"))
        for looked in after.looked:
            if looked.counts:
                click.echo(printable(f"    * {looked.kind} {looked.value}: {looked.why}"))
        if "attachments" in kinds:
            _left_out(after)
    if not as_json:
        kinds_told = "".join(f", {count:,} {kind}" for kind, count in sorted(counted.items()))
        click.echo(f"{changed:,} of {plural(total, 'delivery', 'deliveries')} would change{kinds_told}.")
    return changed


def _left_out(one: Verdict) -> None:
    for part in left_out_of(one.dropped or ()):
        click.echo(f"      not attached: {sentences.dropped(part)}")


def _place(one: Verdict) -> dict[str, object]:
    return {"mailbox": one.delivered.mailbox, "folder": one.delivered.folder, "uid": one.delivered.uid}


def _outcome(one: Verdict) -> str:
    who = f" for {one.acceptor.type}/{one.acceptor.id}" if one.acceptor else ""
    link = f", answers {one.answers} ({one.method})" if one.answers else ""
    records = ", ".join(f"{hung.record.type}/{hung.record.id}" for hung in one.regardings)
    regarding = f", regarding {records}" if records else ""
    return f"{one.outcome}{who}{link}{regarding}"
