"""
The metrics: a closed catalogue, declared once. Seconds and bytes only; never an address, subject or id in a label.

``prepare`` creates every allowed label value at zero, so that a rate over a series that has not counted yet is zero
and not absent.
"""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # a second series per series, which nothing reads

OUTCOMES = ("done", "retried", "rejected")

RECORDS = Counter(
    "mailweave_records",
    "Records that a service finished with or keeps for another try, by what became of them.",
    ["service", "topic", "outcome"],  # outcome: done | retried (counted at each try) | rejected
)
RECORDS_OUT = Counter(
    "mailweave_records_out",
    "Records that a service produced and Kafka acknowledged.",
    ["service", "topic"],
)
BATCH_SECONDS = Histogram(
    "mailweave_batch_seconds",
    "Time from taking a batch to the acknowledgement of the last record that it produced.",
    ["service", "topic"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
LATENCY_SECONDS = Histogram(
    "mailweave_latency_seconds",
    "Time from the internal date of a mail to the end of this stage; imported mail is left out.",
    ["service", "topic"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600),
)
SETTINGS_VERSION = Gauge(
    "mailweave_settings_version",
    "Version of the settings in force.",
    ["service"],
)
SETTINGS_INVALID = Counter(
    "mailweave_settings_invalid_records",
    "Settings records that were ignored, because they are invalid; the last valid one stays in force.",
    ["service"],
)
LOOP_BEAT_AGE_SECONDS = Gauge(
    "mailweave_loop_beat_age_seconds",
    "Time since the main loop last showed life.",
    ["service"],
)
READY = Gauge(
    "mailweave_ready",
    "1 while the service can do its work.",
    ["service"],
)
MAILBOX_CHECKS = Counter(
    "mailweave_mailbox_checks",
    "Checks of mailboxes that ended, by how: ok, or the code of what was wrong.",
    ["outcome"],  # ok | disabled | fence_lost | retry | internal | refused | a code of services/fetcher/failures.py
)


def prepare(service: str, consumes: Iterable[str] = (), produces: Iterable[str] = ()) -> None:
    """Create the series of a service, and of the topics it reads and writes, at zero."""
    SETTINGS_VERSION.labels(service)
    SETTINGS_INVALID.labels(service)
    LOOP_BEAT_AGE_SECONDS.labels(service)
    READY.labels(service)
    for topic in consumes:
        BATCH_SECONDS.labels(service, topic)
        LATENCY_SECONDS.labels(service, topic)
        for outcome in OUTCOMES:
            RECORDS.labels(service, topic, outcome)
    for topic in produces:
        RECORDS_OUT.labels(service, topic)
