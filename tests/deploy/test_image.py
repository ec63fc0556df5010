"""The image: what its file says, and that what it copies runs on a root that cannot be written."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

DOCKERFILE = (CHECKOUT / "deploy/Dockerfile").read_text()
LINES = [line for line in DOCKERFILE.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]


def of(instruction: str) -> list[str]:
    return [line.partition(" ")[2] for line in LINES if line.startswith(instruction + " ")]


def test_the_image_is_pinned_and_belongs_to_nobody_in_particular():
    assert all(re.search(r":\d+\.\d+\.\d+-", base) for base in of("FROM"))
    (user,) = of("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert "--require-hashes -r /requirements.lock" in " ".join(of("RUN"))
    assert not of("ADD")
    assert not re.search(r"(PASSWORD|SECRET|TOKEN|_KEY)=", DOCKERFILE)


def test_it_takes_along_what_the_build_may_see():
    seen = {line[1:] for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for line in of("COPY") if not line.startswith("--") for source in line.split()[:-1]}
    assert copied == seen


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The tree that the image has in /app."""
    for line in of("COPY"):
        source, target = line.split()[-2:]
        if target.startswith("/app/"):
            shutil.copytree(CHECKOUT / source, tmp_path / target[1:], ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "app"


@pytest.mark.parametrize("service", ["fetcher", "correlator", "resolver", "alerter"])
def test_a_service_runs_on_a_read_only_root(stack, app: Path, tmp_path: Path, service: str):
    """As in the pod: nothing can be written but the scratch volume and the raw mails."""
    can = subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True)
    if os.geteuid() or can.returncode:
        pytest.skip("a mount namespace needs root")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    blobs = Path(stack.environ["MAILWEAVE_BLOBS"])
    blobs.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    writable = " && ".join(f"mount --bind '{path}' '{path}'" for path in (scratch, blobs))
    script = (
        f"mount --make-rprivate / && {writable} && mount -o remount,bind,ro / && cd '{app}'"
        f" && ! touch '{app}/written' 2>/dev/null && exec '{sys.executable}' -m services.{service}"
    )
    process = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script],
        env={
            **stack.environ, "MAILWEAVE_HOME": str(scratch), "MAILWEAVE_METRICS_PORT": str(port),
            "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(scratch), "PYTHONPATH": str(app), "PYTHONSAFEPATH": "1",
        },
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while not _ready(port):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end, f"{service} is not ready"
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
