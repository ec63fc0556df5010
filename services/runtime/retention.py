"""Forgets what is too old, in small steps."""

import logging
import threading
import time
from collections.abc import Callable

from services.domain.errors import MailweaveError

log = logging.getLogger(__name__)

SECONDS = 600.0
LOOK_SECONDS = 1.0
AT_ONCE = 1000
"""How many rows one step looks at, at most."""


def retain(forget: Callable[[], int], what: str, stop: threading.Event, *, days: Callable[[], int] = lambda: 0) -> None:
    """
    Every ten minutes have ``forget`` delete up to :data:`AT_ONCE` rows, again and again while it finds so many.

    When ``days`` changes it is done at once: that is a setting of which somebody waits to see what it does.
    Returns when told to stop. When the database is away it is tried again later. Any number of replicas may do so.
    """
    while not stop.is_set():
        under, until = days(), time.monotonic() + SECONDS
        try:
            while not stop.is_set() and forget() == AT_ONCE:
                pass
        except MailweaveError as error:
            log.warning("%s cannot be forgotten now: %s", what, error)
        except Exception:
            log.exception("%s cannot be forgotten now", what)
        while not stop.wait(LOOK_SECONDS) and days() == under and time.monotonic() < until:
            pass
