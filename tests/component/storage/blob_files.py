"""What lies in a blob folder, and programs of their own that write to it."""

import hashlib
import subprocess
import sys
import textwrap
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def start(script: str, *arguments: Path) -> subprocess.Popen[bytes]:
    head = "import os, signal, sys\nfrom pathlib import Path\n"
    return subprocess.Popen([sys.executable, "-c", head + textwrap.dedent(script), *map(str, arguments)], cwd=CHECKOUT)
