"""Named places at which a process can be made to die at once, so that tests can prove what a crash there loses."""

import os
import signal

_armed: set[str] = set()


def arm(name: str) -> None:
    """Make the crash point of this name deadly for this process. An empty name arms nothing."""
    _armed.clear()
    if name:
        _armed.add(name)


def crash_point(name: str) -> None:
    """Kill this process with SIGKILL when ``MAILWEAVE_CRASH_AT`` is this name; names are ``<service>.<step>``."""
    if name in _armed:
        os.kill(os.getpid(), signal.SIGKILL)
