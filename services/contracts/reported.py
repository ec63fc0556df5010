"""A report in a mail-received record and back."""

from collections.abc import Mapping
from typing import Any

from services.contracts.received_record import ReportRecord
from services.domain.message import MessageId, Report, Reported, ReportForm


def report_record(report: Report) -> ReportRecord:
    """Return what a mail reports as its record has it."""
    return {
        "form": report.form.value,
        "about": list(report.about),
        "recipients": [
            {"address": one.address, "action": one.action, "status": one.status, "detail": one.detail}
            for one in report.recipients
        ],
    }


def report_of(record: Mapping[str, Any]) -> Report:
    """Return the report that :func:`report_record` was given; ``ValueError`` when its form is unknown."""
    return Report(
        ReportForm(record["form"]),
        tuple(MessageId(one) for one in record["about"]),
        tuple(Reported(one["address"], one["action"], one["status"], one["detail"]) for one in record["recipients"]),
    )
