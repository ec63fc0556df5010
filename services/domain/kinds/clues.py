"""What in a mail speaks for a kind: each function gives the reason, or the empty string."""

import re
from collections.abc import Mapping

from services.domain.kinds.wordings import AUTOMATIC_REPLY, AWAY, FAILURE, NOTICE
from services.domain.message import Message, ReportForm

Headers = Mapping[str, str]
"""The headers by name, the first of each."""

_LOOKED_AT = 3_000  # characters of a text
_SUBJECT = 300
_SPAM_LEVEL = 5  # of nine (X-MS-Exchange-Organization-SCL)
_NO = ("", "no")
_DONE = ("delivered", "relayed", "expanded")  # actions that tell of no failure (RFC 3464 section 2.3.3)
_COMPLAINT = "complaint about message from"  # Microsoft's, which has no parts of a report
_LISTS = ("list-id", "list-post", "mailing-list", "x-beenthere")
_STATUS = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])|\b[45]\d\d[ -]")
_VERDICT = re.compile(r"\b(?:SFV:(?:SPM|SKS)|CAT:(?:SPM|HSPM|PHSH|HPHSH|HPHISH|MALW|SPOOF|DIMP|UIMP|BULK)|dest:J)\b")
_VERDICTS = ("x-forefront-antispam-report", "x-microsoft-antispam-mailbox-delivery")


def feedback(message: Message, headers: Headers) -> str:
    """A complaint of a recipient (RFC 5965)."""
    if message.report is not None and message.report.form == ReportForm.FEEDBACK:
        return "it has a feedback report"
    if "feedback-type" in headers:
        return "Feedback-Type"
    return "its subject says so" if message.subject.lower().startswith(_COMPLAINT) else ""


def receipt(message: Message, headers: Headers) -> str:  # noqa: ARG001 - every clue is asked alike
    """A person has seen the mail (RFC 8098), or a server has delivered it (RFC 3464)."""
    told = message.report
    if told is None:
        return ""
    if told.form == ReportForm.DISPOSITION:
        return "it has a disposition notification"
    if told.form == ReportForm.DELIVERY_STATUS and told.recipients:
        actions = {one.action for one in told.recipients}
        if actions.issubset(_DONE):
            return f"it has a delivery status: {', '.join(sorted(actions))}"
    return ""


def bounce(message: Message, headers: Headers) -> str:
    """A mail could not be delivered, or not yet (RFC 3464, and servers that know nothing of it)."""
    if message.report is not None and message.report.form == ReportForm.DELIVERY_STATUS:
        return "it has a delivery status"
    if "x-failed-recipients" in headers:
        return "X-Failed-Recipients"
    content_type = headers.get("content-type", "").lower()
    if content_type.startswith("multipart/report") and "delivery-status" in content_type:
        return "Content-Type: multipart/report"
    by_server = message.report is not None
    if not by_server and headers.get("return-path", "").strip() not in ("", "<>"):
        return ""
    failure = FAILURE.search(message.subject[:_SUBJECT])
    if not (failure or by_server):
        return ""
    text = message.body_text[:_LOOKED_AT]
    notice = NOTICE.search(text)
    if by_server:
        return "a mail server has sent it, and it tells of a failure" if failure or notice else ""
    if notice and _STATUS.search(text):
        return "subject and text tell of a failure, with its status"
    return ""


def auto_reply(message: Message, headers: Headers) -> str:
    """A program has answered for a person who is away, or for a desk (RFC 3834)."""
    submitted = _word(headers, "auto-submitted")
    if submitted == "auto-replied":
        return "Auto-Submitted: auto-replied"
    for name in ("x-autoreply", "x-autorespond"):
        if headers.get(name, "").strip().lower() not in _NO:
            return name.title()
    if _word(headers, "precedence") in ("auto_reply", "auto-reply"):
        return "Precedence: auto_reply"
    if AUTOMATIC_REPLY.search(message.subject[:_SUBJECT]):
        return "its subject says so"
    by_program = submitted not in _NO or _word(headers, "precedence") in ("bulk", "junk")
    if by_program and not _listed(headers) and AWAY.search(message.subject[:_SUBJECT]):
        return "a program has sent it, and its subject says so"
    return ""


def spam(message: Message, headers: Headers) -> str:  # noqa: ARG001 - every clue is asked alike
    """The server that received it has marked it."""
    for name in ("x-spam-flag", "x-spam-status", "x-spam"):
        if headers.get(name, "").strip().lower().startswith("yes"):
            return f"{name.title()}: yes"
    level = headers.get("x-ms-exchange-organization-scl", "").strip()
    if level.isascii() and level.isdigit() and int(level[:3]) >= _SPAM_LEVEL:
        return f"X-MS-Exchange-Organization-SCL: {level[:3]}"
    for name in _VERDICTS:
        verdict = _VERDICT.search(headers.get(name, ""))
        if verdict:
            return f"{name.title()}: {verdict[0]}"
    return ""


def invitation(message: Message, headers: Headers) -> str:
    """A meeting is called, answered or called off (RFC 6047)."""
    if headers.get("content-class", "").strip().lower() == "urn:content-classes:calendarmessage":
        return "Content-Class: calendarmessage"
    if any(p.content_type == "text/calendar" and p.disposition != "attachment" for p in message.parts):
        return "it has a text/calendar part"
    return ""


def mailing_list(message: Message, headers: Headers) -> str:  # noqa: ARG001 - every clue is asked alike
    """It came over a list, or is one of many alike (RFC 2919, RFC 2369)."""
    return _listed(headers) or ("List-Unsubscribe" if "list-unsubscribe" in headers else "")


def automatic(message: Message, headers: Headers) -> str:  # noqa: ARG001 - every clue is asked alike
    """A program has made it (RFC 3834)."""
    submitted = _word(headers, "auto-submitted")
    if submitted not in _NO:
        return f"Auto-Submitted: {submitted[:40]}"
    if headers.get("x-autogenerated", "").strip().lower() not in _NO:
        return "X-Autogenerated"
    precedence = _word(headers, "precedence")
    return f"Precedence: {precedence}" if precedence in ("bulk", "junk") else ""


def _listed(headers: Headers) -> str:
    found = next((name for name in _LISTS if name in headers), "")
    if found:
        return found.title()
    return "Precedence: list" if _word(headers, "precedence") == "list" else ""


def _word(headers: Headers, name: str) -> str:
    return headers.get(name, "").partition(";")[0].strip().lower()
