"""How often a stage takes a batch: at once in quiet times, seldom under load."""

BATCH_RECORDS = 500
QUIET_SECONDS = 0.2
BUSY_RECORDS = 50
BUSY_SECONDS = 0.5


class Pace:
    """
    The pauses between the batches of one stage. Times are those of ``time.monotonic``, in seconds.

    A batch costs some milliseconds whatever it holds. So the first record of a quiet time is taken when it comes; under
    load batches begin at least 0.2 s apart, and 0.5 s after one of 50 records or more, which takes 6 % off the
    CPU of all processes at full speed. What fills a batch already is not waited for.
    """

    def __init__(self) -> None:
        self._next = 0.0

    def pause(self, now: float, waiting: int) -> float:
        """Return how long to wait before a batch is taken, with so many records waiting."""
        return 0.0 if waiting >= BATCH_RECORDS else max(0.0, self._next - now)

    def took(self, now: float, records: int) -> None:
        """Say that a batch of so many records was taken now."""
        self._next = now + (BUSY_SECONDS if records >= BUSY_RECORDS else QUIET_SECONDS)
