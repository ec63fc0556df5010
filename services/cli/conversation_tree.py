"""One conversation as a tree: each activity under the one it answers."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from services.cli.output import printable
from services.cli.sentences import dropped, place, who
from services.storage.reports.activities import Activity, RegardingSince

SHORT_SUBJECT = 70


def _answers(activity: Activity) -> str | None:
    return activity["parent_activity_id"] or activity["correlation"]["activity_id"]


def _sender(activity: Activity) -> str:
    for party in activity["parties"]:
        if party["role"] == "from":
            known = f" [{who(party['records'][0])}]" if party["records"] else ""
            return printable(party["name"] or party["address"]) + known
    return "(no sender)"


def _head(activity: Activity) -> str:
    subject = printable(activity["subject"]) or "(no subject)"
    if len(subject) > SHORT_SUBJECT:
        subject = subject[: SHORT_SUBJECT - 1] + "…"
    when = (activity["sent_at"] or "no date")[:16].replace("T", " ")
    arrow = "→" if activity["direction"] == "outgoing" else "←"
    return f"{arrow} {when}  {_sender(activity)}: {subject}"


def _details(activity: Activity) -> Iterator[str]:
    filed = f"filed for {who(activity['accepted_by'])}"
    correlation = activity["correlation"]
    if correlation["activity_id"]:
        filed += f", answers <{printable(correlation['message_id'] or '?')}> by {correlation['method']}"
    yield filed
    if activity["regardings"]:
        yield "regarding " + "; ".join(printable(_hangs_off(one)) for one in activity["regardings"])
    places = [place(d) for d in activity["deliveries"]]
    yield ("in " if len(places) == 1 else f"{len(places)} deliveries: ") + "; ".join(places)
    for word, inline in (("attached", False), ("in the text", True)):
        names = [printable(a["name"]) or a["type"] for a in activity["attachments"] if a["inline"] == inline]
        if names:
            yield f"{word}: " + ", ".join(names)
    yield from (f"not attached: {dropped(one)}" for one in activity["dropped_attachments"])
    yield f"<{printable(activity['message_id'] or '?')}>"


def _hangs_off(one: RegardingSince) -> str:
    how = {"manual": f"{one['author']}: {one['why']}", "folder": one["why"]}.get(one["source"], "as what it answers")
    return f"{one['type']} {one['id']} ({how}, since {one['since'][:16].replace('T', ' ')})"


def entry(activity: Activity, notes: Iterable[str] = ()) -> Iterator[str]:
    """Yield the lines of one activity: what it is, and under that its details and the notes."""
    yield _head(activity)
    yield from (f"    {line}" for line in (*_details(activity), *notes))


def _no_notes(_: Activity) -> Iterable[str]:
    return ()


def lines(thread: Sequence[Activity], *, notes: Callable[[Activity], Iterable[str]] = _no_notes) -> Iterator[str]:
    """
    Yield the lines of one conversation, answers indented under what they answer, in the order of time.

    An activity whose answered one is not in this conversation, or is itself below it, stands at the left. ``notes``
    adds lines to an activity's details.
    """
    ids = {a["id"] for a in thread}
    below: dict[str | None, list[Activity]] = {}
    for activity in thread:
        target = _answers(activity)
        below.setdefault(target if target in ids and target != activity["id"] else None, []).append(activity)
    shown: set[str] = set()
    # What lies on a circle hangs under no left-most activity: it is begun at its earliest.
    starts = [*below.get(None, []), *thread]
    for start in starts:
        waiting = [(start, 0)]
        while waiting:
            activity, depth = waiting.pop()
            if activity["id"] in shown:
                continue
            shown.add(activity["id"])
            indent = "  " + "    " * min(depth, 12)
            yield from (indent + line for line in entry(activity, notes(activity)))
            waiting.extend((child, depth + 1) for child in reversed(below.get(activity["id"], [])))
