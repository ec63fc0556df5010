"""One run over one mailbox: what is linked, by which rule, and how the scorer judges it."""

import json
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from services.cli.simulation import conversations, given, knowing
from services.cli.simulation.likening import Link, liken
from services.cli.simulation.matching import match
from services.cli.simulation.placing import Placing, place
from services.domain.correlation_rules import Mode
from services.domain.likeness.rules import SUGGEST
from services.domain.smart_matching import Parameters
from services.domain.subjects import normalise_subject
from tests.bench.correlation_corpora import Rows, blinded

Z = 1.96


def placed(rows: Iterable[Mapping[str, Any]]) -> Placing:
    """Return mails as ``mailweave simulate`` reads and places them."""
    with tempfile.TemporaryDirectory(prefix="mailweave-bench-") as name:
        file = Path(name) / "mails.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        mails = list(given.read(file, [], texts=True))
    return place(mails, "", "INBOX", limit=2**31)


def by_headers(rows: Rows, seed: int, mode: Mode = Mode.BEST) -> list[dict[str, Any]]:
    """Return what ids say in this mode when the mails come in some order."""
    shuffled = random.Random(seed).sample(rows, len(rows))
    placing = placed(shuffled)
    return [dict(line) for line in conversations.lines(placing, knowing.of_given(placing.arrivals, ()), mode=mode)]


class Blind:
    """What likeness, in compatible mode the product's matching of hashes, finds in a mailbox without its headers."""

    def __init__(self, rows: Rows, scorer: ModuleType, mode: Mode = Mode.BEST) -> None:
        self._rows = rows
        self._scorer = scorer
        placing = placed(blinded(row, scorer) for row in rows)
        links = liken(placing, least=SUGGEST) if mode == Mode.BEST else match(placing, Parameters())
        labels = placing.labels
        self.links: dict[str, Link] = {labels[key]: link for key, link in links.items()}
        self._threads = {scorer.opaque(row["message_id"]): row["thread_id"] for row in rows}
        self.targets = {labels[key]: labels[link.target] for key, link in links.items()}

    def score(self, least: float, *, patches: bool = True, subset: str = "all") -> dict[str, Any]:
        """Return the scorer's figures for links of this confidence; without patches their mails are not counted."""
        counted = [r for r in self._rows if patches or r.get("kind") != "patch"]
        ids = {self._scorer.opaque(r["message_id"]) for r in counted}
        truth = self._rows if patches else [_unlinked(r) for r in self._rows]
        preds = [
            {"message_id": m, "parent": self.targets[m]}
            for m, link in self.links.items()
            if link.confidence >= least and m in ids
        ]
        found: dict[str, Any] = self._scorer.score(truth, preds, subset)
        return found

    def missed(self, least: float) -> Mapping[tuple[str, str, bool], int]:
        """Return how many answers have no right link: by kind of mail, mark of a reply, subject of what is answered."""
        rows = {row["message_id"]: row for row in self._rows}
        found: Counter[tuple[str, str, bool]] = Counter()
        for row in self._rows:
            link = self.links.get(message := self._scorer.opaque(row["message_id"]))
            if row.get("parent") and not (link and link.confidence >= least and self._joins(message, row)):
                own, other = (normalise_subject(one["subject"] or "") for one in (row, rows[row["parent"]]))
                mark = "reply" if own.reply else "forward" if own.forward else "none"
                found[row["kind"], mark, own.text == other.text] += 1
        return found

    def _joins(self, message: str, row: Mapping[str, Any]) -> bool:
        return bool(self._threads[self.targets[message]] == row["thread_id"])

    def by_rule(self) -> Mapping[tuple[float, str], Counter[str]]:
        """Return how many links of each rule are right, wrong, and between conversations that cannot be judged."""
        rows = {self._scorer.opaque(r["message_id"]): r for r in self._rows}
        opened = {r["thread_id"] for r in self._rows if r.get("open_thread") or r.get("uncertain")}
        found: dict[tuple[float, str], Counter[str]] = defaultdict(Counter)
        for message, link in self.links.items():
            own, other = rows[message]["thread_id"], rows[self.targets[message]]["thread_id"]
            judged = "right" if own == other else "unjudged" if {own, other} & opened else "wrong"
            found[link.confidence, link.rule][judged] += 1
        return found


def _unlinked(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, "parent": None} if row.get("kind") == "patch" else row


def interval(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's interval (95 %) of a share that was seen in so many cases."""
    if not count:
        return 0.0, 1.0
    middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * (share * (1 - share) / count + Z * Z / (4 * count * count)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
