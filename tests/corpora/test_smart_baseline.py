"""Smart matching against an independent one on real threads: they choose the same mail, or the rule says why not."""

import collections
import json
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from services.domain.message import Mailbox
from services.domain.smart_index import SmartIndex
from services.domain.smart_matching import NOISE, Hashes, Indexed, Parameters, hashes_of, strip
from tests.corpora.mime_run import corpora
from tests.messages import message

pytestmark = pytest.mark.corpora

EVER = timedelta(days=365_000)
KEY = b"k" * 32
SAME, WORDS, ADDRESSES, TIE = "same", "words", "addresses", "tie"


def threads(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the name and the mails of each set of threads."""
    for archive in sorted(folder.glob("threads-*.tar.xz")):
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.name.endswith(".jsonl"):
                    file = tar.extractfile(member)
                    assert file is not None
                    yield member.name, [json.loads(line) for line in file]


def baseline(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return import_module("baseline_threads")


def ours(row: Mapping[str, Any]) -> Hashes:
    """The hashes that the rule gives a mail of the corpora."""
    one = message(
        subject=row["subject"] or "",
        **{to: mailboxes(row.get(name)) for to, name in (("from_", "from"), ("to", "to"), ("cc", "cc"))},
    )
    return hashes_of(one, strip(one.subject, NOISE), 20, key=KEY)


def mailboxes(given: Sequence[Mapping[str, str]] | None) -> tuple[Mailbox, ...]:
    return tuple(Mailbox("", one["addr"]) for one in given or () if one.get("addr"))


def theirs(row: Mapping[str, Any]) -> Hashes:
    """What the baseline compares, in the place of hashes."""
    return Hashes(frozenset(map(hash, row["_set"])), frozenset(map(hash, row["_addr"])))


def parents(rows: Sequence[Mapping[str, Any]], hashes: Sequence[Hashes], delta: int) -> list[int | None]:
    """Choose a parent for each mail by our rule, over an index without a bound."""
    index = SmartIndex[int](most=len(rows))
    given = Parameters(delta_subject=delta, lookback=EVER)
    found = []
    for number, (row, own) in enumerate(zip(rows, hashes, strict=True)):
        sent = datetime.fromtimestamp(row["_ts"], UTC)
        best = index.find(own, sent, given)
        found.append(best.key if best else None)
        index.add(Indexed(number, sent, own))
    return found


def cause(asks: int, our: int | None, their: int | None, hashes: Mapping[str, Sequence[Hashes]], delta: int) -> str:
    """
    Say which part of the rule makes the two choose differently, or an empty string.

    A mail that only one of them finds alike is told apart by its words or its addresses; where both find both alike
    they were sent at one time.
    """
    for chosen, by, other in ((our, "ours", "theirs"), (their, "theirs", "ours")):
        if chosen is None:
            continue
        alike = {
            who: (
                hashes[who][chosen].subject_alike(hashes[who][asks], delta),
                hashes[who][chosen].shared(hashes[who][asks]) >= Parameters().min_address,
            )
            for who in (by, other)
        }
        assert alike[by] == (True, True)
        if not alike[other][0]:
            return WORDS
        if not alike[other][1]:
            return ADDRESSES
    return ""


def test_the_same_mail_is_chosen_as_by_an_independent_implementation_or_the_rule_says_why(monkeypatch):
    """
    Given the baseline's words and addresses, the index chooses its parents, but of mails sent at one time.

    Given the rule's own, every other choice comes from the filter or from the limits of words and addresses.
    """
    folder = corpora()
    if folder is None:
        pytest.skip("set MAILWEAVE_CORPORA to the folder of the corpora to run this test")
    reference = baseline(folder, monkeypatch)
    table: collections.Counter[tuple[int, str]] = collections.Counter()
    unexplained = []
    for name, truth in threads(folder):
        rows = reference.prepare(truth)
        number = {row["message_id"]: n for n, row in enumerate(rows)}
        hashes = {"ours": [ours(row) for row in rows], "theirs": [theirs(row) for row in rows]}
        for delta in (0, 1, 3):
            said = [parent for _, parent in reference.smart(rows, delta)]
            their = [None if parent is None else number[parent] for parent in said]
            given = parents(rows, hashes["theirs"], delta)
            for asks, our in enumerate(parents(rows, hashes["ours"], delta)):
                tie = same_time(rows, given[asks], their[asks])
                why = SAME if our == their[asks] else cause(asks, our, their[asks], hashes, delta)
                if not why and same_time(rows, our, their[asks]):
                    why = TIE
                table[delta, why] += 1
                if not why or not (given[asks] == their[asks] or tie):
                    unexplained.append((name, delta, asks, our, given[asks], their[asks]))

    print("\n".join(f"delta {delta}, {why}: {count}" for (delta, why), count in sorted(table.items())))  # noqa: T201
    assert [] == unexplained
    assert table[0, SAME] > 0


def same_time(rows: Sequence[Mapping[str, Any]], one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and rows[one]["_ts"] == rows[other]["_ts"]
