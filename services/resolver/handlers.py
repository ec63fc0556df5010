"""What the resolver does with a batch of records; ports are given as arguments."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from services.domain.errors import Reject
from services.resolver import arrivals, intake, projection, relinks, threads
from services.resolver.arrivals import Arrival, Merged, Moved, Relinked
from services.resolver.deciding import decide_all
from services.resolver.ledger import Item
from services.resolver.settings import Settings
from services.resolver.writing import announce
from services.runtime import metrics
from services.runtime.crash import crash_point
from services.runtime.records import Batch, Input, Output
from services.storage.postgres import Database

T = TypeVar("T")


def resolve(
    batch: Batch,
    *,
    database: Database,
    settings: Callable[[], Settings],
    announced: Callable[[], None] = lambda: None,
) -> list[Output]:
    """
    Store what came, then decide about it, in two transactions; events follow through the outbox.

    Idempotent: a batch that is offered again after a crash anywhere in here ends in the same rows. Raises
    ``Retry`` when the world fails. ``announced`` is called when events were committed to the outbox.
    """
    with metrics.step("resolver", "decode"):
        records = list(_readable(batch, lambda given: arrivals.read(given.value or b"")))
    came = [r for r in records if isinstance(r, Arrival)]
    notices = [r for r in records if isinstance(r, Merged | Moved)]
    said = [r for r in records if isinstance(r, Relinked)]
    if notices or said:
        with database.transaction() as connection:
            announce(connection, threads.apply(connection, notices), "thread")
            relinks.apply(connection, said)
    if not came:
        return []
    with metrics.step("resolver", "intake"), database.transaction() as connection:
        intake.store(connection, came)
    crash_point("resolver.stored")
    came.sort(key=lambda a: (a.delivered.internal_date, a.delivered.uid or 0))  # an answer seldom precedes its parent
    items = list({a.delivered.delivery_id: Item(a.delivered, a.message, a.wrapper) for a in came}.values())
    with metrics.step("resolver", "decide"), database.transaction() as connection:
        decide_all(connection, items, settings(), cause="arrival", undecided_only=True)
        crash_point("resolver.decided")
    crash_point("resolver.committed")
    announced()
    return []


def project(batch: Batch, *, database: Database) -> list[Output]:
    """Apply a batch of directory records. Idempotent; raises ``Retry`` when the world fails."""
    changes = list(_readable(batch, lambda i: projection.read(i.partition, i.offset, i.key, i.value)))
    reached = {i.partition: i.offset + 1 for i in sorted(batch, key=lambda i: i.offset)}
    with database.transaction() as connection:
        projection.apply(connection, changes, reached)
    return []


def _readable(batch: Batch, read: Callable[[Input], T]) -> Iterable[T]:
    for given in batch:
        try:
            yield read(given)
        except Reject as error:
            batch.reject(given, error.code, str(error))
