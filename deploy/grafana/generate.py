"""Writes the dashboard (``make dashboard``). A panel whose metric is not in the catalogue does not build."""

import json
import re
from pathlib import Path
from typing import Any

from prometheus_client.metrics import MetricWrapperBase

from services.runtime import metrics

TARGET = Path(__file__).with_name("pipeline.json")
_METRIC = re.compile(r"\bmailweave_[a-z_]+")
WIDTH, HEIGHT = 12, 8
_STEPS = "sum by (service, step) (rate(mailweave_step_seconds_{}[$__rate_interval]))"

# Title (a question), what good looks like, unit, and queries with their legends.
PANELS = (
    ("Is every mail accounted for?", "Overdue and unbalanced are 0.", "short", (
        ('mailweave_deliveries{state="overdue"}', "overdue"), ("mailweave_deliveries_unbalanced", "unbalanced"),
        ('mailweave_deliveries{state="in_flight"}', "in flight"))),
    ("Are the mailboxes read in time?", "All are fresh.", "short", (("mailweave_mailboxes", "{{state}}"),)),
    ("What becomes of the mail?", "Accepted and rejected by reason, as ever.", "short", (
        ('mailweave_deliveries{state!~"fetched|in_flight|overdue"}', "{{state}}"),)),
    ("How much flows through each stage?", "In and out go together.", "ops", (
        ('sum by (service, topic) (rate(mailweave_records_total{outcome="done"}[$__rate_interval]))',
         "{{service}} {{topic}}"),)),
    ("How far behind is each stage?", "Under a second in quiet times.", "s", (
        ("max by (service, topic) (mailweave_time_behind_seconds)", "{{service}} {{topic}}"),)),
    ("How many records wait?", "A lag that falls.", "short", (("mailweave_lag_records", "{{group}} {{topic}}"),)),
    ("How long does a mail take?", "95 % under 30 s, internal date to the end of the stage.", "s", (
        ("histogram_quantile(0.95, sum by (le, service) (rate(mailweave_latency_seconds_bucket[$__rate_interval])))",
         "{{service}} p95"),)),
    ("Which step takes the time?", "No step grows.", "s", (
        (f"{_STEPS.format('sum')} / {_STEPS.format('count')}", "{{service}} {{step}}"),)),
    ("Is anything rejected, or tried again?", "Both are 0.", "ops", (
        ('sum by (service, outcome) (rate(mailweave_records_total{outcome=~"rejected|retried"}[$__rate_interval]))',
         "{{service}} {{outcome}}"), ("mailweave_dead_letters", "dead letters of {{stage}}"))),
    ("Do events wait?", "Under a second.", "s", (("mailweave_outbox_age_seconds", "{{schema}}"),)),
    ("How do checks of mailboxes end?", "ok.", "ops", (
        ("sum by (outcome) (rate(mailweave_mailbox_checks_total[$__rate_interval])) > 0", "{{outcome}}"),)),
    ("How many mailboxes idle?", "As many as before; a drop is a server that no longer lets them.", "short", (
        ("sum(mailweave_idle_connections)", "kept"),)),
    ("How does IDLE end?", "Woken as mail comes, begun anew twice or three times an hour each; failed is 0.", "ops", (
        ('sum(rate(mailweave_idle_ends_total{how="woken"}[$__rate_interval]))', "woken"),
        ('sum(rate(mailweave_idle_ends_total{how="looked"}[$__rate_interval]))', "ended for a full check"),
        ("sum(rate(mailweave_idle_renewals_total[$__rate_interval]))", "begun anew"),
        ('sum by (how) (rate(mailweave_idle_ends_total{how!~"woken|looked"}[$__rate_interval]))', "failed: {{how}}"))),
    ("Is every service ready, on the same settings?", "1, and one version.", "short", (
        ("min by (service) (mailweave_ready)", "{{service}} ready"),
        ("max by (service) (mailweave_settings_version)", "{{service}} settings"))),
)  # fmt: skip


def names() -> set[str]:
    """Return every series that the catalogue can give."""
    found = set()
    for one in vars(metrics).values():
        for family in one.describe() if isinstance(one, MetricWrapperBase) else ():
            suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
            found |= {family.name + suffix for suffix in suffixes}
    return found


def dashboard() -> dict[str, Any]:
    """Return the dashboard; ``ValueError`` when a query names a metric that does not exist."""
    known = names()
    panels = []
    for number, (title, description, unit, queries) in enumerate(PANELS):
        for expression, _ in queries:
            if unknown := set(_METRIC.findall(expression)) - known:
                raise ValueError(f"{title}: no such metric: {', '.join(sorted(unknown))}")
        panels.append(
            {
                "id": number + 1,
                "type": "timeseries",
                "title": title,
                "description": description,
                "datasource": {"type": "prometheus", "uid": "${datasource}"},
                "gridPos": {"x": number % 2 * WIDTH, "y": number // 2 * HEIGHT, "w": WIDTH, "h": HEIGHT},
                "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                "targets": [
                    {"refId": chr(65 + n), "expr": expression, "legendFormat": legend}
                    for n, (expression, legend) in enumerate(queries)
                ],
            }
        )
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}
    return {
        "uid": "mailweave-pipeline",
        "title": "Mailweave: is mail flowing?",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels,
    }


def text() -> str:
    """Return the file's content."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
