"""What a mail reports of earlier mails: the parts of a report, or the text of a server that writes none (RFC 6522)."""

import re
from collections.abc import Iterator

from services.domain.identity import canonical_id
from services.domain.message import MessageId, Report, Reported, ReportForm
from services.mime.characters import clean
from services.mime.headers import Block, line_ends, scan
from services.mime.limits import Limits
from services.mime.parts import Leaf
from services.mime.tree import MESSAGES
from services.mime.words import header_text

MOST_ABOUT = 10
MOST_RECIPIENTS = 100
_LOOKED_AT = 64 * 1024  # bytes of one part
_LONGEST_DETAIL = 500
_LONGEST_ADDRESS = 320
_NOTICE = 4_096  # characters of a text in which addresses are looked for

_FORMS = {
    "message/delivery-status": ReportForm.DELIVERY_STATUS,
    "message/global-delivery-status": ReportForm.DELIVERY_STATUS,
    "message/xdelivery-status": ReportForm.DELIVERY_STATUS,
    "message/disposition-notification": ReportForm.DISPOSITION,
    "message/global-disposition-notification": ReportForm.DISPOSITION,
    "message/feedback-report": ReportForm.FEEDBACK,
}
_ORIGINALS = MESSAGES | {"text/rfc822-headers", "text/rfc822", "message/global-headers", "message/partial"}
_SERVERS = re.compile(
    rb"mail(?:er)?[-_. ]?(?:daemon|delivery|administrator|router)|mdaemon|postmaster"
    rb"|system administrator|delivery system",
    re.IGNORECASE,
)
_FIELD = re.compile(rb"^([!-9;-~]{1,80})[ \t]*:[ \t]*([^\n]*(?:\n[ \t]+[^\n]*)*)", re.MULTILINE)
_BLANK = re.compile(rb"\n[ \t\r]*\n")
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_ID_LINE = re.compile(r"^[> \t]{0,8}message-id:[ \t]{0,8}(<[^<>\s]{1,998}>)", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"(?<![\w.+=-])[\w.+=-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")


def report(block: Block, found: list[Leaf], text: str, limits: Limits) -> Report | None:
    """
    Return what the mail reports, or None when it is no report.

    The ids are those of the headers that it has of the earlier mails. A text counts only from a mail server, by the
    name of the sender or by X-Failed-Recipients. Linear, and bounded in what one report may name.
    """
    form = next((_FORMS[leaf.node.content_type] for leaf in found if leaf.node.content_type in _FORMS), None)
    if form is None and not _by_server(block):
        return None
    about, recipients = dict[MessageId, None](), list[Reported]()
    for leaf in found:
        kind, content = leaf.node.content_type, line_ends((leaf.node.content or b"")[:_LOOKED_AT])
        if kind in _FORMS:
            for fields in _blocks(content):
                about |= dict.fromkeys(_named(fields.get("original-message-id", "")))
                recipients += _recipients(_FORMS[kind], fields)
        elif kind in _ORIGINALS:
            about |= dict.fromkeys(_named(header_text(scan(content, limits).first("message-id"))))
    if form is None:
        failed = clean(header_text(block.first("x-failed-recipients")))
        recipients = list(_in_text(failed if "@" in failed else text[:_NOTICE], text))
    about = about or dict.fromkeys(one for found in _ID_LINE.findall(text)[:MOST_ABOUT] for one in _named(found))
    own = set(_named(header_text(block.first("message-id"))))
    ids = tuple(one for one in about if one not in own)[:MOST_ABOUT]
    return Report(form or ReportForm.TEXT, ids, tuple(dict.fromkeys(recipients))[:MOST_RECIPIENTS])


def _by_server(block: Block) -> bool:
    senders = (block.first("from")[:1_000], block.first("sender")[:1_000])
    return bool(block.first("x-failed-recipients")) or any(_SERVERS.search(one) for one in senders)


def _blocks(content: bytes) -> Iterator[dict[str, str]]:
    for piece in _BLANK.split(content):
        fields = _FIELD.findall(piece)
        if fields:
            yield {name.lower().decode("ascii"): clean(header_text(value)) for name, value in reversed(fields)}


def _named(value: str) -> tuple[MessageId, ...]:
    one = canonical_id(value) if value else None
    return (one,) if one is not None else ()


def _recipients(form: ReportForm, fields: dict[str, str]) -> Iterator[Reported]:
    if form == ReportForm.FEEDBACK:
        names, action = ("original-rcpt-to", "removal-recipient"), fields.get("feedback-type", "")
    elif form == ReportForm.DISPOSITION:
        names, action = ("original-recipient", "final-recipient"), fields.get("disposition", "").rpartition(";")[2]
    else:
        names, action = ("original-recipient", "final-recipient"), fields.get("action", "")
    action = action.partition("/")[0].partition("(")[0].strip().lower()[:40]
    if not action:
        return
    status = _STATUS.search(fields.get("status", ""))
    detail = fields.get("diagnostic-code", "").partition(";")
    said = (detail[2] or detail[0]).strip()[:_LONGEST_DETAIL]
    addresses = dict.fromkeys(_address(fields[name]) for name in names if fields.get(name))
    for address in addresses or ("",):
        yield Reported(address, action, status[0] if status else "", said)


def _address(value: str) -> str:
    """Return the address of "rfc822; address", without its brackets."""
    return value.rpartition(";")[2].strip(' <>"').lower()[:_LONGEST_ADDRESS]


def _in_text(names: str, text: str) -> Iterator[Reported]:
    status = _STATUS.search(text[:_NOTICE])
    for address in dict.fromkeys(one.lower() for one in _ADDRESS.findall(names)):
        yield Reported(address[:_LONGEST_ADDRESS], "failed", status[0] if status else "", "")
