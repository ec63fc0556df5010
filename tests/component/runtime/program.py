"""
A service of one or two stages, as a process: ``python -m tests.component.runtime.program FOLDER JSON``.

It forwards each record to ``into``, or, without it, writes its value durably into a file of the folder. Files in the
folder steer it while it runs: ``down`` makes the store fail, ``gate`` opens the gate.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faust

from services.domain.errors import Retry
from services.runtime.kafka import stage, worker
from services.runtime.records import Batch, Output
from services.runtime.runtime import Runtime
from services.runtime.service import run


class Program:
    def __init__(self, folder: Path, given: dict[str, Any]) -> None:
        self.folder = folder
        self.source: str = given["source"]
        self.into: str | None = given.get("into")
        self.beside: str | None = given.get("beside")
        self.gated: bool = given.get("gated", False)
        self.seconds: float = given.get("seconds", 0.0)

    def build(self, runtime: Runtime) -> faust.App:
        app = worker(runtime.service, runtime.config)
        gate = (self.folder / "gate").exists if self.gated else None
        stage(app, self.source, self.handle, runtime=runtime, gate=gate)
        if self.beside:
            stage(app, self.beside, lambda batch: self.keep(batch, "beside"), runtime=runtime)
        return app

    def handle(self, batch: Batch) -> Sequence[Output]:
        if (self.folder / "down").exists():
            raise Retry("the store is down")
        time.sleep(self.seconds)
        for given in batch:
            if given.value == b"bad":
                raise ValueError("the text of a mail")
            if given.value == b"unwanted":
                batch.reject(given, "unwanted", "nobody wants it")
        if self.into is None:
            return self.keep(batch, "kept")
        good = [g for g in batch if g.value != b"unwanted"]
        big = b"x" * (9 << 20)
        return [Output(self.into, g.key or b"", big if g.value == b"big" else g.value, g.headers) for g in good]

    def keep(self, batch: Batch, name: str) -> Sequence[Output]:
        with (self.folder / f"{name}.{os.getpid()}").open("ab") as file:
            file.writelines((given.value or b"") + b"\n" for given in batch)
            file.flush()
            os.fsync(file.fileno())
        return []


if __name__ == "__main__":
    run("correlator", Program(Path(sys.argv[1]), json.loads(sys.argv[2])).build)
