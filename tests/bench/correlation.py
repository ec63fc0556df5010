"""``make bench-correlation MODE=best|compatible``: precision and recall on real mail, written into RESULTS.md."""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from services.domain.correlation_rules import Mode
from services.domain.likeness.rules import LINK, TABLE
from tests.bench.correlation_corpora import LISTS, POOL, R_LISTS, UNSEEN, Rows, folder, module, sources
from tests.bench.correlation_cost import every_body_read, milliseconds
from tests.bench.correlation_runs import Blind, by_headers, interval

RESULTS = Path(__file__).with_name("RESULTS.md")
HEADINGS = {Mode.BEST: "## Correlation", Mode.COMPATIBLE: "## Correlation in compatible mode"}
LEAST = {Mode.BEST: LINK, Mode.COMPATIBLE: 0.0}
"""Links of this confidence count; whatever the product's matching finds is a link."""
SUBSETS = ("all", "collide", "changed")
ORDERS = 3
THRESHOLDS = (0.98, 0.95, 0.9, LINK, 0.7, 0.5)
BASELINES = ("subject", "subject+re", "smart:0", "smart:3")
COLUMNS = (
    "| {} | P | P floor | R | P colliding | R changed subject | new wrongly linked |\n|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Print the tables of a mode, the best one unless another is named, and put them under their heading."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", nargs="?", type=Mode, choices=list(Mode), default=Mode.BEST)
    mode: Mode = parser.parse_args().mode
    corpora = folder()
    if corpora is None:
        sys.stdout.write(f"{UNSEEN}\n")
        return
    command = "make bench-correlation" + (f" MODE={mode}" if mode != Mode.BEST else "")
    lines = [HEADINGS[mode], "", f"`{command}`; in-thread scores of the corpora's own scorer, public half.", ""]
    for line in _report(corpora, mode):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        lines.append(line)
    _write(lines)


def _report(corpora: Path, mode: Mode) -> Iterator[str]:
    scorer, baselines = module(corpora, "score_threads"), module(corpora, "baseline_threads")
    least = LEAST[mode]
    counted = f"links of {least:g} and more" if least else "all links"
    yield f"Headers removed, {counted}; each list below is a mailbox of its own.\n"
    yield COLUMNS.format("mailbox")
    with_headers: Rows = []
    for name, rows in sources(corpora):
        blind = Blind(rows, scorer, mode)
        yield _row(name, *(blind.score(least, subset=subset) for subset in SUBSETS))
        if name == POOL:
            rest = [blind.score(least, patches=False, subset=subset) for subset in SUBSETS]
            yield _row("POOL, patch mails not counted", *rest)
            pool, pool_rows = blind, rows
        if name in LISTS:
            with_headers += rows
        if name in R_LISTS:
            yield _row(f"{name}, by equal subject alone", *_baseline("subject", rows, scorer, baselines))
    if mode == Mode.BEST:
        yield from _baselines(pool_rows, scorer, baselines)
        yield from _thresholds(pool)
        yield from _rules(pool)
        yield from _missed(pool)
        yield from _cost(pool_rows, scorer)
    yield from _headers(with_headers, scorer, mode)


def _row(name: str, all_: dict[str, Any], collide: dict[str, Any], changed: dict[str, Any]) -> str:
    links = all_["links_in_thread"]
    figures = (
        links["p"], links["p_floor"], links["r"], collide["links_in_thread"]["p"], changed["links_in_thread"]["r"],
        all_["new_conv_false_link"],
    )  # fmt: skip
    return f"| {name} | " + " | ".join(f"{figure:.4f}" for figure in figures) + " |"


def _baselines(rows: Rows, scorer: ModuleType, baselines: ModuleType) -> Iterator[str]:
    yield "\nBaselines on POOL, headers removed.\n"
    yield COLUMNS.format("method")
    for method in BASELINES:
        yield _row(method, *_baseline(method, rows, scorer, baselines))


def _baseline(method: str, rows: Rows, scorer: ModuleType, baselines: ModuleType) -> Iterator[dict[str, Any]]:
    preds = baselines.run(method, baselines.prepare(rows))
    return (scorer.score(rows, preds, subset) for subset in SUBSETS)


def _thresholds(pool: Blind) -> Iterator[str]:
    yield "\nPOOL by threshold, with Wilson's intervals (95 %).\n"
    yield "| at least | links | P | of | R | of | new wrongly linked |\n|---|---|---|---|---|---|---|"
    for least in THRESHOLDS:
        found = pool.score(least)
        links = found["links_in_thread"]
        low_p, high_p = interval(links["p"], found["pred_links"])
        low_r, high_r = interval(links["r"], found["gold_links"])
        yield (
            f"| {least:g} | {found['pred_links']:,} | {links['p']:.4f} | {low_p:.4f} to {high_p:.4f} "
            f"| {links['r']:.4f} | {low_r:.4f} to {high_r:.4f} | {found['new_conv_false_link']:.4f} |"
        )


def _rules(pool: Blind) -> Iterator[str]:
    yield "\nPOOL by rule.\n"
    yield "| rule | confidence | right | wrong | cannot be judged |\n|---|---|---|---|---|"
    counted = pool.by_rule()
    for rule in TABLE:
        one = counted.get((rule.confidence, rule.name), Counter())
        figures = " | ".join(f"{one.get(kind, 0):,}" for kind in ("right", "wrong", "unjudged"))
        yield f"| {rule.name} | {rule.confidence:g} | {figures} |"


def _missed(pool: Blind) -> Iterator[str]:
    yield f"\nAnswers of POOL without a right link at {LINK:g}; decision 0014 says why.\n"
    yield "| kind of mail | mark | subject of what it answers | mails |\n|---|---|---|---|"
    for (kind, mark, equal), count in sorted(pool.missed(LINK).items(), key=lambda item: (-item[1], item[0])):
        yield f"| {kind} | {mark} | {'equal' if equal else 'another'} | {count:,} |"


def _cost(rows: Rows, scorer: ModuleType) -> Iterator[str]:
    yield "\nPOOL with the text of every mail read, not only of those with a mark of an answer or a quote.\n"
    yield COLUMNS.format("mailbox")
    with every_body_read():
        every = Blind(rows, scorer)
    yield _row("POOL, every body read", *(every.score(LINK, subset=subset) for subset in SUBSETS))
    yield "\nCPU of a mail, without Redis (`make bench-likeness` has that).\n"
    yield "| what | ms |\n|---|---|"
    for what, taken in milliseconds(rows).items():
        yield f"| {what} | {taken:.3f} |"


def _headers(rows: Rows, scorer: ModuleType, mode: Mode) -> Iterator[str]:
    yield f"\nThe six lists with their headers, in {ORDERS} random orders of arrival, without likeness.\n"
    yield "| order | P | R |\n|---|---|---|"
    for seed in range(ORDERS):
        links = scorer.score(rows, by_headers(rows, seed, mode))["links_in_thread"]
        yield f"| {seed} | {links['p']:.4f} | {links['r']:.4f} |"


def _write(lines: list[str]) -> None:
    text = RESULTS.read_text("utf-8")
    without = re.sub(rf"\n{lines[0]}\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL).rstrip("\n")
    RESULTS.write_text(without + "\n\n" + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
