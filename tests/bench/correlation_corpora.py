"""The conversations of the corpora, and the scorer that is kept with them."""

import importlib.util
import json
import os
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

Rows: TypeAlias = list[dict[str, Any]]

LISTS = ("usrp-users", "openbmc", "linux-man", "linux-hams", "ksummit-discuss", "open-iscsi")
R_LISTS = ("r-help-1997-1999", "r-help-2019-2020", "r-sig-ecology", "r-sig-meta-analysis", "rcpp-devel")
POOL = "POOL"
UNSEEN = "no folder with the corpora: set MAILWEAVE_CORPORA"


def folder() -> Path | None:
    """Return where the corpora are, or None."""
    path = Path(os.environ.get("MAILWEAVE_CORPORA") or "/nonexistent")
    return path if (path / "score_threads.py").is_file() else None


def sources(corpora: Path) -> Iterator[tuple[str, Rows]]:
    """Yield each mailbox by name with the fields and the truth of its mails; POOL is the lists and Enron as one."""
    pool: Rows = []
    for name in (*LISTS, "enron-skilling"):
        pool += _rows(corpora, f"threads-{name}", "messages")
    yield POOL, pool
    yield "enron-skilling", _rows(corpora, "threads-enron-skilling", "messages")
    for name in LISTS:
        yield name, _rows(corpora, f"threads-{name}", "messages")
    for name in R_LISTS:
        yield name, _rows(corpora, "threads-r-lists", name)


def _rows(corpora: Path, archive: str, name: str) -> Rows:
    with tarfile.open(corpora / f"{archive}.tar.xz") as tar:
        member = tar.extractfile(f"{archive}/{name}.jsonl")
        if member is None:
            raise FileNotFoundError(f"{archive}/{name}.jsonl")
        return [json.loads(line) for line in member]


def module(corpora: Path, name: str) -> ModuleType:
    """Return a script that is kept with the corpora, as a module."""
    spec = importlib.util.spec_from_file_location(name, corpora / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def blinded(row: Mapping[str, Any], scorer: ModuleType) -> dict[str, Any]:
    """Return the fields of a mail without what gives the answer away."""
    shown = {key: value for key, value in row.items() if key not in scorer.HIDE}
    return {**shown, "message_id": scorer.opaque(row["message_id"])}
