"""Decisions in plain sentences, for people."""

from collections.abc import Iterator, Mapping

from services.cli.output import printable
from services.domain.attachments import Reason
from services.storage.reports.activities import DroppedAttachment, Place, Ref
from services.storage.reports.explain import DecisionOf, Explained, Explanation, Requested
from services.storage.reports.regardings import RegardingOf
from services.storage.reports.relinks import Relink
from services.storage.reports.resolutions import Resolution

_REASONS = {
    "NoRecipientMatch": "Not filed: no recipient is a user or queue, and the mailbox's own filter did not take it",
    "NoCorrelationMatch": "Not filed: users or queues are addressed, but none of their filters took it",
    "Duplicate": "Not filed again: the same message lies in this folder already",
    "InternalIgnored": "Not filed: it is mail between users or queues of ours, of which one activity is made",
    "TooLarge": "Not filed: the mail is larger than message.maxMb allows",
    "ForwardNotWrapped": "Not filed: the mail was not forwarded to the forward mailbox as an attachment",
    "ForwardOwnerUnknown": "Not filed: nobody who receives by the forward mailbox is named by the mail",
    "Report": "Not filed by itself: it tells of another mail",
    "ContentGone": "Not filed: its content is needed and no longer there",
}
_KINDS = {
    "in_reply_to": "In-Reply-To names",
    "references": "References names",
    "own_token": "Our own token",
    "own_subject_token": "Our own token in the subject",
    "tracking_token": "The token in the subject",
    "thread_index": "The Thread-Index",
    "smart_matching": "The product's matching of hashes",
    "likeness": "Likeness",
    "subject": "The subject",
    "recipient": "The recipient",
    "sender": "The sender",
    "signature": "The signature",
    "joined": "Another id",
    "folder": "The folder",
    "size": "The size",
    "delivery": "Another delivery",
    "tracked": "What tracks it,",
    "forward": "The forward mailbox",
    "manual": "A person has named",
    "kind": "The kind of mail is",
    "report": "It reports on",
}

_DROPPED = {
    Reason.BLOCKED_NAME: "attachments.blocked names .{detail}",
    Reason.BLOCKED_CONTENT: "it is a .{detail} file by its content, which attachments.blocked names",
    Reason.TOO_LARGE: "it is larger than the {detail} KB of attachments.maxKb",
}
_SOURCES = {
    "manual": "{author} has filed it there ({why})",
    "folder": "{why} gives it to what lies in its folder in {author}",
    "correlated": "<{why}>, which it answers, is filed there",
}
_ENDED = {
    "person": "{by} has taken it away ({why})",
    "changed": "that is so no longer",
    "merged": "the record became another one",
    "withdrawn": "the mail was no longer filed",
}
_RELINKS = {
    "unlink": "parted {message_id} from {target}",
    "relink": "parted {message_id} from {target} and joined it with {onto}",
    "split": "made {message_id}, with what follows from it, a conversation of its own",
    "merge": "joined {message_id} with {target}",
}


FORGOTTEN = (
    "What was looked at is forgotten since {at}, as monitor.itemRetentionDays has it. The raw mail is still there:"
    " mailweave simulate --stored decides it anew."
)
"""Says of a rejection why nothing more is said."""


def who(ref: Ref | None) -> str:
    """Name a record: ``queue support``."""
    return printable(f"{ref['type']} {ref['id']}") if ref else "nobody"


def place(of: Place | Explained) -> str:
    """Say where a delivery lies."""
    uid = "no UID" if of["uid"] is None else f"UID {of['uid']}"
    return printable(f"{of['mailbox']}, {of['folder']}, {uid}")


def outcome(decision: DecisionOf | Explained) -> str:
    """Say what became of a delivery and the one reason that decided."""
    filters = [p for p in decision["evidence"] if p["kind"] == "filter"]
    if decision["outcome"] is None:
        return "Not decided yet: it is still on its way through the pipeline."
    if decision["outcome"] == "accepted":
        tracked = next((f" because {p['why']}" for p in decision["evidence"] if p["kind"] == "tracked"), "")
        why = next((f" because its filter {p['why']}" for p in filters if p["counts"]), tracked)
        return f"Accepted for {who(decision['accepted_by'])}{why}."
    said = _REASONS.get(decision["outcome"], "Not filed")
    return f"{said} ({decision['outcome']})."


def dropped(one: DroppedAttachment) -> str:
    """Say which part of a mail is no attachment, and why."""
    named = one["name"] or one["type"]
    return printable(f"{named} ({one['size']} bytes): {_DROPPED[Reason(one['reason'])].format(detail=one['detail'])}")


def piece(of: Mapping[str, object]) -> str:
    """Say one thing that was looked at."""
    kind, value, points_to = str(of["kind"]), str(of["value"] or ""), of["points_to"]
    counts = "counted" if of["counts"] else "did not count"
    if kind == "filter":
        asked = str(points_to).replace("/", " ", 1) if points_to else "Nobody's filter was asked"
        where = f" (in {value})" if value else ""
        return printable(f"{asked}{where}: {of['why']}." if points_to else f"{asked}: {of['why']}.")
    if kind == "record":
        asked = f"A {value} is asked for" if of["counts"] else "No record is asked for"
        return printable(f"{asked}, for the sender: {of['why']}.")
    subject = _KINDS.get(kind, kind)
    shown = (
        f" <{value}>"
        if kind in ("in_reply_to", "references", "manual", "report") and value
        else f" {value}"
        if value
        else ""
    )
    return printable(f"{subject}{shown}: {of['why']}; it {counts}.")


def cause(of: DecisionOf | Explained) -> str:
    """Say what made a decision be taken, and for whom."""
    asked = of["asked"]
    return printable(f"{of['cause']}, asked by {asked['author']}: {asked['reason']}" if asked else str(of["cause"]))


def relink(one: Relink) -> str:
    """Say what a person has done to the conversation of a message, when, why, and what came of it."""
    ids = {name: f"<{one[name] or 'unknown'}>" for name in ("message_id", "target", "onto")}
    done = _RELINKS[one["kind"]].format(**ids)
    result = f"Refused: {one['refused']}" if one["refused"] else f"Then {one['outcome']}"
    return printable(f"{one['time']}: {one['author']} {done} ({one['reason']}). {result}.")


def resolution(one: Resolution) -> str:
    """Say what a person has said of who an address is, when, why, and what came of it."""
    scope = "in all mail" if one["everywhere"] else "in this mail" if one["here"] else "in another mail"
    said = f"{one['address']} is {one['record']} {scope}" if one["record"] else f"took back who {one['address']} is"
    verb = "said that " if one["record"] else ""
    refused = f" Refused: {one['refused']}." if one["refused"] else ""
    undone = f" Taken back by {one['taken_back']}." if one["taken_back"] else ""
    return printable(f"{one['time']}: {one['author']} {verb}{said} ({one['reason']}).{refused}{undone}")


def regarding(one: RegardingOf) -> str:
    """Say what a mail is or was filed under: since when, why, and by whom it was taken away."""
    told = _SOURCES[one["source"]].format(author=one["author"] or "somebody", why=one["why"] or "unknown")
    record = f"{one['type']} {one['id']}"
    if not one["until"]:
        return printable(f"Filed under {record} since {one['since']}: {told}.")
    ended = _ENDED[one["ended"]].format(by=one["ended_by"], why=one["ended_why"])
    return printable(f"Was filed under {record} from {one['since']}: {told}; until {one['until']}: {ended}.")


def requested(one: Requested) -> str:
    """Say when the CRM was asked for a record of the sender."""
    return printable(f"{one['time']}: the CRM was asked for a {one['type']} for its sender (request {one['id']}).")


def about(one: Explanation) -> Iterator[str]:
    """Yield what is to be said of a message, whichever delivery of it: what people and the CRM have to do with it."""
    for left_out in one["dropped_attachments"]:
        yield f"Not attached: {dropped(left_out)}."
    yield from map(relink, one["relinks"])
    yield from map(resolution, one["resolutions"])
    yield from map(regarding, one["regardings"])
    if one["record_request"] is not None:
        yield requested(one["record_request"])


def evidence(of: DecisionOf | Explained) -> Iterator[str]:
    """Yield everything a decision looked at, a sentence each, in the order it was looked at, and what it asks."""
    if of["forgotten_at"]:
        yield FORGOTTEN.format(at=of["forgotten_at"])
    for one in of["evidence"]:
        yield piece(one)
    if of["rule"]:
        trusted = "" if of["verified"] else "; linked as unverified, so nothing follows from it"
        yield printable(
            f"The rule {of['rule']} decided with confidence {of['confidence']:.2f}: {of['effect']}{trusted}."
        )
    for asked in of["reviews"]:
        about = f" <{asked['message_id']}>" if asked["message_id"] else ""
        yield printable(f"To review ({asked['kind']}, {asked['state']}){about}: {asked['why']}.")
