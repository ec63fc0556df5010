"""
Classify the labelled mails of the corpora and print how well: ``python -m tests.corpora.kinds_run``.

``--each`` names every mail that is of another kind than its label. Needs MAILWEAVE_CORPORA.
"""

import collections
import json
import re
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.domain.kinds.rules import MailKind, classify
from services.mime import parse
from tests.corpora.mime_run import corpora

BY_PROGRAM = frozenset({MailKind.BOUNCE, MailKind.RECEIPT, MailKind.FEEDBACK, MailKind.AUTO_REPLY})
_REPLIES = ("polish-autoreply.msg", "warning-6.msg")
_LETTERS = (  # what its authors collected as no bounce
    "spam-bogus-email-in-report.msg", "spam-lots-of-bogus-addresses.msg", "spam-with-badly-parsed-email.msg",
    "virus-caused-multiple-weird-reports.msg",
)  # fmt: skip
_VERDICT = re.compile(rb"^X-Microsoft-Antispam-Mailbox-Delivery:[^\n]*(?:\n[ \t][^\n]*)*?dest:([A-Z])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Label:
    """What a mail is by its corpus, or None where that is not said, and what it surely is not."""

    kind: MailKind | None
    never: frozenset[MailKind] = frozenset()


@dataclass
class Counts:
    """How often a kind was found where it is the label, missed there, and found elsewhere."""

    found: int = 0
    missed: int = 0
    false: int = 0

    def row(self, kind: MailKind) -> str:
        """Return the line of the table."""
        return (
            f"| {kind} | {self.found + self.missed} | {self.recall:.3f} | {self.precision:.3f} | {self.missed} "
            f"| {self.false} |"
        )

    @property
    def recall(self) -> float:
        """The share that was found."""
        return self.found / max(1, self.found + self.missed)

    @property
    def precision(self) -> float:
        """The share that was found rightly."""
        return self.found / max(1, self.found + self.false)


@dataclass
class Result:
    """The counts of each kind, the mails without a label among them, and what was taken for another kind."""

    mails: int = 0
    counts: dict[MailKind, Counts] = field(default_factory=lambda: collections.defaultdict(Counts))
    wrong: list[tuple[str, MailKind | None, MailKind]] = field(default_factory=list)

    def table(self) -> str:
        """Return the figures as text for tests/bench/RESULTS.md."""
        head = "| kind | labelled | recall | precision | missed | false |\n|---|---|---|---|---|---|\n"
        rows = [self.counts[kind].row(kind) for kind in MailKind if kind in self.counts]
        return head + "\n".join(rows) + f"\n\n{self.mails} mails."


def _sisimai(name: str, reasons: Mapping[str, frozenset[str]]) -> Label | None:
    said = reasons.get(name)
    if said is None:
        return None
    if name.startswith("rfc3834"):
        return Label(MailKind.AUTO_REPLY)
    if "feedback" in said:
        return Label(MailKind.FEEDBACK)
    return Label(MailKind.RECEIPT if said == {"delivered"} else MailKind.BOUNCE)


def _bounceparser(path: str) -> Label | None:
    name = path.rpartition("/")[2]
    if not name.endswith(".msg"):
        return None
    if name in _LETTERS:
        return Label(None, BY_PROGRAM)
    return Label(MailKind.AUTO_REPLY if name in _REPLIES else MailKind.BOUNCE)


def _php(path: str) -> Label | None:
    name = path.rpartition("/")[2]
    if "/eml/" not in path or name == "unsubscribe.txt":
        return None
    return Label(MailKind.FEEDBACK if name.startswith(("arf", "fbl", "hotmail")) else MailKind.BOUNCE)


def _mined(path: str) -> Label | None:
    return Label(MailKind.INVITATION if "/imip-" in path else MailKind.LIST) if path.endswith(".eml") else None


LABELS: Mapping[str, Callable[[str], Label | None]] = {
    "bounceparser": _bounceparser,
    "php-bounce-handler": _php,
    "lists-mined": _mined,
    "osst-users": lambda path: Label(MailKind.BOUNCE) if "/dsn/" in path else None,
    "flanker": lambda path: Label(MailKind.RECEIPT) if "disposition-notification" in path else None,
    "mimekit": lambda path: Label(MailKind.RECEIPT) if "messages/disposition-notification" in path else None,
    "threads-linux-hams": lambda path: Label(None, BY_PROGRAM) if "/raw/" in path else None,
    "threads-ksummit-discuss": lambda path: Label(None, BY_PROGRAM) if "/raw/" in path else None,
}
"""What each corpus says of its mails; that of sisimai has a table of its own."""


def labelled(folder: Path) -> Iterator[tuple[str, bytes, Label]]:
    """Yield name, bytes and label of every mail that has one."""
    reasons: dict[str, frozenset[str]] = {}
    for archive in ("sisimai-set-of-emails", "phish-spam-corpus", *LABELS):
        with tarfile.open(folder / f"{archive}.tar.xz") as tar:
            files = [member for member in tar if member.isfile()]
            for member in files:
                if member.name.endswith("sisimai-labels.json"):
                    said = json.load(tar.extractfile(member) or sys.stdin)
                    reasons = {name: frozenset(one["reason"] for one in ones) for name, ones in said.items()}
            for member in files:
                file = tar.extractfile(member)
                assert file is not None
                raw = file.read()
                label = _label(archive, member.name, raw, reasons)
                if label is not None:
                    yield member.name, raw, label


def _label(archive: str, path: str, raw: bytes, reasons: Mapping[str, frozenset[str]]) -> Label | None:
    if archive == "sisimai-set-of-emails":
        return _sisimai(path.rpartition("/")[2], reasons)
    if archive == "phish-spam-corpus":
        verdict = _VERDICT.search(raw)  # most of its mails are without the server's verdict, so it labels nothing
        if verdict is None:
            return None
        return Label(MailKind.SPAM) if verdict[1] == b"J" else Label(None, BY_PROGRAM | {MailKind.SPAM})
    return LABELS[archive](path)


def run(folder: Path) -> Result:
    """Classify everything."""
    result = Result()
    for name, raw, label in labelled(folder):
        result.mails += 1
        kind = classify(parse(raw)).kind
        if kind == label.kind:
            result.counts[kind].found += 1
            continue
        if label.kind is not None:
            result.counts[label.kind].missed += 1
        false = kind in label.never or (label.kind is not None and kind != MailKind.ORDINARY)
        if false:
            result.counts[kind].false += 1
        if false or label.kind is not None:
            result.wrong.append((name, label.kind, kind))
    return result


def main() -> int:
    """Print the table."""
    folder = corpora()
    if folder is None:
        print("set MAILWEAVE_CORPORA to the folder of the corpora", file=sys.stderr)  # noqa: T201
        return 2
    result = run(folder)
    print(result.table())  # noqa: T201
    if "--each" in sys.argv:
        for row in result.wrong:
            print(*row, sep="\t")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
