"""The rows of queue items: written once for each activity and queue, whatever comes again."""

from collections.abc import Iterable
from typing import Any

import psycopg

from services.resolver.ledger import Filed
from services.storage.inserting import upsert


def write(connection: psycopg.Connection[Any], activities: Iterable[Filed]) -> None:
    """Write the items of these activities that are not there yet."""
    rows = [(filed.activity_id, ref.id) for filed in activities for ref in filed.queues]
    upsert(connection, "resolver.queue_item", ("activity_id", "queue_id"), rows, key=("activity_id", "queue_id"))
