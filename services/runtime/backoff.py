"""How long to wait before the next try."""

import random
from collections.abc import Iterator

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 10.0


def pauses(chance: random.Random | None = None) -> Iterator[float]:
    """
    Yield ever longer pauses, from 0.2 up to 10 seconds, each shortened by up to a half.

    The jitter keeps the workers that lost the same server from coming back to it all at once.
    """
    pick = chance or random.SystemRandom()
    pause = FIRST_SECONDS
    while True:
        yield pause * pick.uniform(0.5, 1.0)
        pause = min(pause * 2, LONGEST_SECONDS)
