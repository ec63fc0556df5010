"""What the likeness of a mail costs, and what reading only the bodies that seem to answer something loses."""

import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from services.domain.likeness.hashing import hasher
from services.domain.likeness.keys import kept_under
from services.domain.likeness.traits import quoting, sample_of, traits
from services.resolver.arrivals import Arrival
from tests.bench.correlation_corpora import Rows
from tests.bench.correlation_runs import placed

MAILS, ROUNDS = 6_000, 5
HASHED = hasher(b"bench")


@contextmanager
def every_body_read() -> Iterator[None]:
    """Have the text of every mail be read for what it quotes, as if each showed the mark of an answer."""
    with patch("services.domain.likeness.traits._SHOWS_QUOTE", re.compile("")):
        yield


def milliseconds(rows: Rows) -> dict[str, float]:
    """Return the CPU time of a mail, the median of some rounds: what each one takes, and one whose body is read."""
    arrivals = placed(rows[:MAILS]).arrivals
    return {"cheap keys": _median(_cheap, arrivals), "reading a body": _median(_body, arrivals)}


def _cheap(mail: Arrival) -> object:
    cheap = traits(mail.message, mail.delivered.internal_date, HASHED)
    return kept_under(cheap), sample_of(mail.message.body_text)


def _body(mail: Arrival) -> object:
    cheap = traits(mail.message, mail.delivered.internal_date, HASHED)
    return quoting(cheap.key, mail.message.body_text, HASHED)


def _median(of_mail: Callable[[Arrival], Any], arrivals: Any) -> float:
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for arrival in arrivals:
            of_mail(arrival)
        rounds.append((time.process_time() - began) / len(arrivals) * 1e3)
    return statistics.median(rounds)
