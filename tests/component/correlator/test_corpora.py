"""Real list mail: the grouping in shuffled order is the truth of the corpora."""

import json
import os
import random
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.domain.evidence import gather
from services.domain.identity import canonical_id, canonical_ids
from services.domain.sightings import Sighting
from tests.component.correlator.writers import dump, groups, store
from tests.forests import grouping, key, oracle

pytestmark = [pytest.mark.component, pytest.mark.corpora]

LISTS = ("ksummit-discuss", "linux-hams", "linux-man", "open-iscsi", "openbmc", "usrp-users")
BATCH = 200


def messages(folder: Path) -> Iterator[dict[str, Any]]:
    for name in LISTS:
        with tarfile.open(folder / f"threads-{name}.tar.xz") as tar:
            member = tar.extractfile(f"threads-{name}/messages.jsonl")
            assert member is not None
            yield from ({**json.loads(line), "list": name} for line in member)


def seen(message: dict[str, Any]) -> Sighting:
    own = canonical_id(message["message_id"])
    assert own is not None
    gathered = gather(own, ids(message, "in_reply_to"), ids(message, "references"), key=key)
    return Sighting(key(f"message {own}"), key(own), own, gathered.evidence, gathered.truncated)


def ids(message: dict[str, Any], field: str) -> list[Any]:
    return list(canonical_ids(f"<{i}>" for i in message[field]))


def test_real_mail_in_shuffled_order_is_grouped_as_the_truth_says(url, record_property):
    folder = os.environ.get("MAILWEAVE_CORPORA")
    if not folder:
        pytest.skip("MAILWEAVE_CORPORA names no folder with the corpora")
    mails = list(messages(Path(folder)))
    random.Random(1).shuffle(mails)
    sightings = [seen(m) for m in mails]
    graph = store(url)

    began, cpu = time.monotonic(), time.process_time()
    for n in range(0, len(sightings), BATCH):
        graph.place(sightings[n : n + BATCH])
    record_property("mails_per_second", len(mails) / (time.monotonic() - began))
    record_property("client_cpu_ms_per_mail", 1000 * (time.process_time() - cpu) / len(mails))

    headers = [(one.mid, tuple(e.value for e in one.evidence)) for one in sightings]
    assert groups(url) == oracle(headers)
    assert len(dump(url)["merge"]) == len(dump(url)["outbox"])
    assert_finer_than_truth(mails, groups(url))


def assert_finer_than_truth(mails, threads):
    """
    Every thread lies in one true thread, and only quoted text, which is no header, joins true threads further.

    Lists that share a mail share the thread, so the truth of each list is compared by itself.
    """
    thread = {mid: n for n, members in enumerate(threads) for mid in members}
    for name in LISTS:
        truth = {str(canonical_id(m["message_id"])): m["thread_id"] for m in mails if m["list"] == name}
        ours = grouping({mid: thread[mid] for mid in truth})
        assert all(len({truth[mid] for mid in members}) == 1 for members in ours), name
