"""Hostile mail goes all the way from its bytes to a decision: what attackers, spammers and test suites have written."""

import resource
import time
import tracemalloc
from datetime import UTC, datetime

import pytest

from services import contracts
from services.contracts.received import Found, to_record
from services.domain.acceptance import Outcome
from services.domain.activity import shape
from services.domain.decide import decide
from services.domain.gathering import gather_all
from services.domain.identity import delivery_id_imap, identity, keyed_hash
from services.domain.parties import Role
from services.mime import parse
from tests.corpora.mime_run import corpora, mails
from tests.unit.domain.test_decide import ANNA, RECORDS, facts

CORPORA = ("rspamd", "johnny-you-are-fired", "phish-spam-corpus", "spamscope-mail-parser")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROOM, TIMES = 8 << 20, 40
"""Memory of Python's that one mail may take: so much, and so many times its size."""


def decided(raw: bytes) -> Outcome:
    """Do with one mail in Anna's inbox what fetcher, correlator and resolver do with it, stores apart."""
    message = parse(raw)
    own = identity(message)
    found = Found(
        delivery_id=delivery_id_imap("anna@own.example", "INBOX", 1, 1), source="imap", mailbox="anna@own.example",
        folder="INBOX", folder_role="inbox", uidvalidity=1, uid=1, internal_date=NOON, blob_sha256="00" * 32,
        size=len(raw),
    )  # fmt: skip
    contracts.encode("MailReceived", to_record(message, identity=own, found=found))
    gather_all(
        own.message_id, message, mailbox=found.mailbox, folder_role="inbox", own_tokens=(),
        key=lambda what, text: keyed_hash(b"k" * 32, what, text),
    )  # fmt: skip
    given = facts(message=message, options={ANNA: 0})
    decision = decide(given)
    for party in shape(given, decision.correlation, ANNA).parties:
        named = {record.ref for address, record in RECORDS.items() if address == party.address}
        assert party.role == Role.OWNER or set(party.records) <= named
    return decision.outcome


def memory(raw: bytes) -> int:
    tracemalloc.start()
    decided(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


@pytest.mark.corpora
@pytest.mark.parametrize("archive", CORPORA)
def test_hostile_mail_is_decided_in_bounded_memory_and_names_nobody_it_does_not_address(archive: str):
    """Prints the figures; times are printed, not asserted."""
    folder = corpora()
    if folder is None:
        pytest.skip("set MAILWEAVE_CORPORA to the folder of the corpora to run this test")
    slowest, largest, count, outcomes = (0.0, ""), (0, ""), 0, set()
    measured = 0
    for name, raw in mails(folder, archive):
        begun = cpu()
        outcomes.add(decided(raw))
        slowest = max(slowest, (cpu() - begun, name))
        count += 1
        if len(raw) > measured:  # it takes many times as long, and what is smaller takes less
            measured, peak = len(raw), memory(raw)
            largest = max(largest, (peak, name))
            assert peak < ROOM + TIMES * len(raw), name

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{archive}: {count} mails, {sorted(outcomes)}, slowest {slowest}, most memory {largest}, {most} MB in all")  # noqa: T201
    assert count
    assert outcomes <= {Outcome.ACCEPTED, Outcome.REPORT}
