"""A blob store that can be made to refuse writes: a small file system that is filled, or a folder that is closed."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

UNFINISHED = "unfinished"  # every blob is first written there


class Disk:
    """
    Where the blobs lie. Root gets a file system of its own in memory; anybody else a folder that can be closed.

    Root without the right to mount (Docker's default) has neither, because a closed folder does not stop root.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.blobs = folder / "blobs"
        self._folder = folder
        self._filler = folder / "filler"
        folder.mkdir(parents=True)
        order = ["mount", "-t", "tmpfs", "-o", f"size={size}", "blobs", str(folder)]
        self._mounted = os.geteuid() == 0 and subprocess.run(order, capture_output=True, check=False).returncode == 0
        self.blobs.mkdir()
        self.can_fail = self._mounted or os.geteuid() != 0

    def fill(self) -> None:
        """From now on no blob can be written."""
        if not self._mounted:
            (self.blobs / UNFINISHED).chmod(0o500)
            return
        with self._filler.open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(1 << 20))

    def free(self) -> None:
        """There is room again."""
        if not self._mounted:
            (self.blobs / UNFINISHED).chmod(0o700)
        self._filler.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the file system back."""
        if self._mounted:
            subprocess.run(["umount", "-l", str(self._folder)], capture_output=True, check=False)
