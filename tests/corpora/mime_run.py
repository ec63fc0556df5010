"""
Parse every mail of the corpora and print what became of them: ``python -m tests.corpora.mime_run``.

Exits 1 when a mail raised, or took over a second of CPU time twice. Needs MAILWEAVE_CORPORA.
"""

import collections
import json
import mailbox
import os
import re
import resource
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.domain.message import Message
from services.mime import parse

SLOW = 1.0
_NOT_MAIL = re.compile(r"\.(?:png|jpe?g|gif|json|jsonl|bmp|webp)$", re.IGNORECASE)
_SEPARATOR = re.compile(rb"(?m)^From [^\n]*[0-9]{4}[^\n]*\n")


@dataclass
class Result:
    """What became of the mails."""

    mails: int = 0
    size: int = 0
    cpu: float = 0.0
    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    repairs: collections.Counter[str] = field(default_factory=collections.Counter)
    raised: list[str] = field(default_factory=list)
    unencodable: list[str] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    not_full: list[tuple[str, str, str]] = field(default_factory=list)

    def table(self) -> str:
        """Return the figures as text for tests/bench/RESULTS.md."""
        lines = [
            f"| mails | {self.mails} |",
            f"| MB | {self.size / 1e6:.1f} |",
            f"| CPU seconds, children included | {self.cpu:.1f} |",
            f"| microseconds a mail | {1e6 * self.cpu / max(1, self.mails):.0f} |",
            f"| raised | {len(self.raised)} |",
            *(f"| outcome {name} | {count} |" for name, count in self.outcomes.most_common()),
            *(f"| repair {name} | {count} |" for name, count in self.repairs.most_common(15)),
            *(f"| slow: {name} | {seconds:.3f} s |" for seconds, name in self.slowest[:10]),
        ]
        return "| what | figure |\n|---|---|\n" + "\n".join(lines)


def corpora() -> Path | None:
    """Return the folder of the corpora, when the environment names one that exists."""
    named = os.environ.get("MAILWEAVE_CORPORA", "")
    return Path(named) if named and Path(named).is_dir() else None


def mails(folder: Path, archives: str = "*") -> Iterator[tuple[str, bytes]]:
    """
    Yield (name, bytes) of every file that could be mail, and of every mail in the mbox files.

    ``archives`` is a pattern for the names of the corpora.
    """
    manifest = folder / "manifest.jsonl"
    messages = set()
    if manifest.exists():
        rows = map(json.loads, manifest.read_text().splitlines())
        messages = {row["path"] for row in rows if row.get("message")}
    for archive in sorted(folder.glob(f"{archives}.tar.xz")):
        with tarfile.open(archive) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is None or (member.name not in messages and _NOT_MAIL.search(member.name)):
                    continue
                data = file.read()
                yield member.name, data
                if len(_SEPARATOR.findall(data)) > 1:
                    yield from _mbox(member.name, data)


def _mbox(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        box = mailbox.mbox(file.name, create=False)
        for key in box.iterkeys():
            yield f"{name}#{key}", box.get_bytes(key)
        box.close()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


def _timed(raw: bytes) -> tuple[float, Message]:
    start = _cpu()
    message = parse(raw)
    return _cpu() - start, message


def run(folder: Path) -> Result:
    """Parse everything; a mail that took long is measured once more, because machines are shared."""
    result = Result()
    for name, raw in mails(folder):
        result.mails += 1
        result.size += len(raw)
        try:
            seconds, message = _timed(raw)
            if seconds > SLOW:
                seconds = min(seconds, _timed(raw)[0])
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            result.raised.append(f"{name}: {error!r}")
            continue
        try:
            repr(message).encode()
            "".join((message.subject, message.body_text, *(m.name + m.address for m in message.to))).encode()
        except UnicodeEncodeError:
            result.unencodable.append(name)
        result.cpu += seconds
        result.outcomes[str(message.outcome)] += 1
        result.repairs.update({re.sub(r"[0-9.\[\]]+", "", repair) for repair in message.repairs})
        if message.outcome != "full":
            result.not_full.append((name, str(message.outcome), "; ".join(message.repairs)))
        result.slowest = sorted([*result.slowest, (seconds, name)], reverse=True)[:10]
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
        for row in result.not_full:
            print(*row, sep="\t")  # noqa: T201
    for line in (*result.raised, *result.unencodable):
        print(line)  # noqa: T201
    too_slow = bool(result.slowest) and result.slowest[0][0] > SLOW
    return int(bool(result.raised) or bool(result.unencodable) or too_slow)


if __name__ == "__main__":
    sys.exit(main())
