"""Takes the matches of an administrator's filter out of subjects, however long the filter would take for them."""

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from services.domain.smart_matching import LONGEST_SUBJECT, NOISE, strip

log = logging.getLogger(__name__)

CPU_SECONDS = 1
WALL_SECONDS = 10.0  # a machine that is busy elsewhere gives the child its second late
_CHILD = Path(__file__).with_name("stripping_child.py")
_given_up: set[str] = set()
"""The filters that took too long in this process: none of them gets a second chance to hold the stage up."""


def strip_all(noise: str, subjects: Sequence[str]) -> list[str]:
    """
    Return the subjects without any match of the filter.

    The time of a regular expression has no bound and nothing in this process can interrupt it, so any but the
    product's own works in a child process, all subjects in one. One that takes longer than a second is given up until
    the next start: the subjects are compared whole, which finds fewer conversations and no wrong ones.
    """
    cut = [subject[:LONGEST_SUBJECT] for subject in subjects]
    if noise == NOISE:
        return [strip(subject, noise) for subject in cut]
    if not cut or noise in _given_up:
        return cut
    order = json.dumps({"noise": noise, "subjects": cut, "seconds": CPU_SECONDS})
    try:
        done = subprocess.run(  # noqa: S603 - the pattern is its input, not its command
            [sys.executable, "-I", "-S", str(_CHILD)],
            input=order,
            capture_output=True,
            check=True,
            text=True,
            timeout=WALL_SECONDS,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        _given_up.add(noise)
        log.error("tracking.smart.filterRegex takes too long for a subject and is given up: subjects stay whole")  # noqa: TRY400
        return cut
    stripped: list[str] = json.loads(done.stdout)
    return stripped
