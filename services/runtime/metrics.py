"""
The metrics: a closed catalogue, declared once. Seconds and bytes only; never an address, subject or id in a label.

``prepare`` creates every allowed label value at zero, so that a rate over a series that has not counted yet is zero
and not absent.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from services.domain.acceptance import Outcome
from services.domain.alert_codes import KINDS

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
TIME_BEHIND_SECONDS = Gauge(
    "mailweave_time_behind_seconds",
    "Age of the oldest record that a stage has and has not finished; 0 when it has none.",
    ["service", "topic"],
)
STEP_SECONDS = Histogram(
    "mailweave_step_seconds",
    "Time that one step took for a whole batch.",
    ["service", "step"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LAG_RECORDS = Gauge(
    "mailweave_lag_records",
    "Records of a topic that a consumer group has not committed; of one replica of the alerter.",
    ["group", "topic"],
)
DELIVERIES = Gauge(
    "mailweave_deliveries",
    "Deliveries by what became of them, from the current rows; of one replica of the alerter.",
    ["state"],  # fetched | an outcome of services/domain/acceptance.py | dead | in_flight | overdue
)
DELIVERIES_UNBALANCED = Gauge(
    "mailweave_deliveries_unbalanced",
    "Fetched less accepted, rejected, duplicate, dead and in flight: 0 is well; of one replica of the alerter.",
)
MAILBOXES = Gauge(
    "mailweave_mailboxes",
    "Mailboxes that may be read, by how they are; of one replica of the alerter.",
    ["state"],  # fresh: read to its end in the last five minutes | late | failing
)
OUTBOX_AGE_SECONDS = Gauge(
    "mailweave_outbox_age_seconds",
    "Age of the oldest record that waits in an outbox; of one replica of the alerter.",
    ["schema"],
)
DEAD_LETTERS = Gauge(
    "mailweave_dead_letters",
    "Open dead letters; of one replica of the alerter.",
    ["stage"],
)
MAILBOX_CHECKS = Counter(
    "mailweave_mailbox_checks",
    "Checks of mailboxes that ended, by how: ok, or the code of what was wrong.",
    ["outcome"],  # ok | disabled | fence_lost | retry | internal | refused | a code of services/fetcher/failures.py
)
IDLE_CONNECTIONS = Gauge(
    "mailweave_idle_connections",
    "IMAP connections that are kept between checks, to be told of new mail.",
)
IDLE_ENDS = Counter(
    "mailweave_idle_ends",
    "Ends of IDLE on an IMAP connection, by how.",
    # Of IDLE_ENDINGS; woken: the server told of a change; looked: it was time for a full check; broken: by our fault.
    ["how"],
)
IDLE_RENEWALS = Counter(
    "mailweave_idle_renewals",
    "IDLE begun anew on an IMAP connection that is kept, because its time was up.",
)
PUSHED = Counter(
    "mailweave_pushed_mails",
    "Mails, once for each mailbox, that servers pushed, and refusals, by how they came and what became of them.",
    ["source", "outcome"],  # lmtp | smtp | ingest; outcome: of PUSHED_OUTCOMES
)
ROUTED = Counter(
    "mailweave_routed_mails",
    "Mails that routers handed in, by what became of them, and requests of routers that were refused.",
    ["outcome"],  # of ROUTED_OUTCOMES
)
TOKENS = Counter(
    "mailweave_tokens",
    "Tokens that were found in mail, by kind and by what became of them.",
    ["kind", "outcome"],  # of TOKEN_OUTCOMES; unknown: it looks like one of ours and was never given out
)

STEPS = {
    "fetcher": ("read", "store", "parse", "send", "commit"),
    "correlator": ("decode", "graph", "likeness"),
    "resolver": ("decode", "intake", "decide"),
}
DELIVERY_STATES = ("fetched", *(outcome.value for outcome in Outcome), "dead", "in_flight", "overdue")
MAILBOX_STATES = ("fresh", "late", "failing")
PUSHED_OUTCOMES = {
    **dict.fromkeys(
        ("lmtp", "smtp"),
        ("taken", "known", "unknown_recipient", "disabled_recipient", "too_many_recipients", "too_large", "stores",
         "busy", "connection"),
    ),
    "ingest": ("taken", "known", "stuck"),
}  # fmt: skip
ROUTED_OUTCOMES = (
    "taken", "known", "bad_request", "token_refused", "router_not_allowed", "mailbox_unknown", "left_to_fetcher",
    "mailbox_not_read", "fence_lost", "too_large", "damaged", "too_slow", "busy", "stores", "not_found", "rule_unknown",
    "other_version",
)  # fmt: skip
TOKEN_OUTCOMES = {"tracking": ("issued", "unknown"), "own": ("verified", "forged")}
TOKEN_KINDS = {"resolver": "tracking", "correlator": "own"}
IDLE_ENDINGS = ("woken", "looked", "lost", "refused", "timed_out", "protocol_error", "broken")
_ENDS_OF_CHECKS = ("ok", "disabled", "fence_lost", "retry", "internal", "refused")
_NOT_OF_CHECKS = (
    "not_approved", "retries_used_up", "mail_unparsed", "ingest_stuck", "dead_letter", "stage_stopped",
    "router_silent", "token_unshared", "sender_unverified", "tokens_forged",
    "likeness_full",
)  # fmt: skip


@contextmanager
def step(service: str, name: str) -> Iterator[None]:
    """Measure one step of a batch; never used for single mails."""
    began = time.perf_counter()
    try:
        yield
    finally:
        STEP_SECONDS.labels(service, name).observe(time.perf_counter() - began)


def prepare(service: str, consumes: Iterable[str] = (), produces: Iterable[str] = ()) -> None:
    """Create the series of a service, and of the topics it reads and writes, at zero."""
    SETTINGS_VERSION.labels(service)
    SETTINGS_INVALID.labels(service)
    LOOP_BEAT_AGE_SECONDS.labels(service)
    READY.labels(service)
    for name in STEPS.get(service, ()):
        STEP_SECONDS.labels(service, name)
    if service == "fetcher":
        _prepare_fetcher()
    for outcome in TOKEN_OUTCOMES.get(TOKEN_KINDS.get(service, ""), ()):
        TOKENS.labels(TOKEN_KINDS[service], outcome)
    for topic in consumes:
        TIME_BEHIND_SECONDS.labels(service, topic)
        BATCH_SECONDS.labels(service, topic)
        LATENCY_SECONDS.labels(service, topic)
        for outcome in OUTCOMES:
            RECORDS.labels(service, topic, outcome)
    for topic in produces:
        RECORDS_OUT.labels(service, topic)


def _prepare_fetcher() -> None:
    for outcome in (*_ENDS_OF_CHECKS, *(code for code in KINDS if code not in _NOT_OF_CHECKS)):
        MAILBOX_CHECKS.labels(outcome)
    for how in IDLE_ENDINGS:
        IDLE_ENDS.labels(how)
    for how, outcomes in PUSHED_OUTCOMES.items():
        for outcome in outcomes:
            PUSHED.labels(how, outcome)
    for outcome in ROUTED_OUTCOMES:
        ROUTED.labels(outcome)
