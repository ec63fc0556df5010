"""What a decision looks up in the database only when it turns on it: ancestors, and the text of a tracked message."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

import psycopg

from services.domain.branches import LOOKED_AT
from services.domain.correlation import Target
from services.resolver.ledger import Known

MOST_ANCESTORS = 2_000

# Without what the mail in question says itself: it must not make related what only it brings together.
_ANCESTORS = """
    WITH RECURSIVE up (id) AS (
        SELECT id_key FROM resolver.message WHERE message_key = %(key)s
        UNION
        SELECT e.target FROM up
        JOIN resolver.message m ON m.id_key = up.id AND m.message_key <> %(asking)s
        JOIN resolver.evidence e ON e.child = m.message_key AND e.kind IN ('in_reply_to', 'references', 'alias')
    )
    SELECT id FROM up LIMIT %(most)s
"""

# From what the message names itself. An id that several messages have leads no further: one of them may be forged.
_ABOVE = """
    WITH RECURSIVE up (id) AS (
        SELECT target FROM resolver.evidence
        WHERE child = %(key)s AND kind IN ('in_reply_to', 'references', 'manual')
        UNION
        SELECT e.target FROM up
        JOIN resolver.message m ON m.id_key = up.id AND m.message_key <> %(asking)s AND NOT m.flagged
        JOIN resolver.evidence e ON e.child = m.message_key AND e.kind IN ('in_reply_to', 'references', 'manual')
    )
    SELECT id FROM up LIMIT %(most)s
"""

_NAMED = """
    SELECT child, target FROM resolver.evidence
    WHERE child = ANY(%b) AND kind IN ('in_reply_to', 'references', 'alias')
"""


class Named:
    """The own id of each of some messages and the ids that it names, read in one statement when first asked for."""

    def __init__(self, connection: psycopg.Connection[Any], known: Mapping[UUID, Known]) -> None:
        self._connection = connection
        self._known = known
        self._ids: dict[UUID, set[UUID]] = {}

    def own(self, message_key: UUID) -> UUID | None:
        """Return the id of one message, without those that it names."""
        known = self._known.get(message_key)
        return known.id_key if known else None

    def ids(self, message_key: UUID) -> AbstractSet[UUID]:
        """Return the ids of one message; nothing of a message that is not known."""
        if not self._ids:
            self._ids = {key: {one.id_key} for key, one in self._known.items()}
            for child, target in self._connection.execute(_NAMED, (list(self._ids),)):
                self._ids[child].add(target)
        return self._ids.get(message_key, set())


class StoredSurroundings:
    """
    :class:`services.domain.surroundings.Surroundings` of one message, read in the deciding transaction.

    ``texts`` are those of the messages under decision, which are not written yet; ``named`` answers for most pairs of
    mails without a statement of their own.
    """

    def __init__(
        self, connection: psycopg.Connection[Any], asking: UUID, texts: Mapping[UUID, str], named: Named
    ) -> None:
        self._connection = connection
        self._asking = asking
        self._texts = texts
        self._named = named

    def related(self, one: Target, other: Target) -> bool:
        """See :meth:`services.domain.surroundings.Surroundings.related`."""
        if not self._named.ids(one.message_key).isdisjoint(self._named.ids(other.message_key)):
            return True
        return not self._walk(_ANCESTORS, one).isdisjoint(self._walk(_ANCESTORS, other))

    def above(self, one: Target, other: Target) -> bool:
        """See :meth:`services.domain.surroundings.Surroundings.above`."""
        return self._named.own(one.message_key) in self._walk(_ABOVE, other)

    def text(self, target: Target) -> str:
        """See :meth:`services.domain.surroundings.Surroundings.text`."""
        if target.message_key in self._texts:
            return self._texts[target.message_key]
        row = self._connection.execute(
            "SELECT left(body_text, %s) FROM resolver.activity WHERE message_key = %s ORDER BY direction LIMIT 1",
            (LOOKED_AT, target.message_key),
        ).fetchone()
        return str(row[0]) if row else ""

    def _walk(self, statement: str, target: Target) -> set[UUID]:
        parameters = {"key": target.message_key, "asking": self._asking, "most": MOST_ANCESTORS}
        return {id_key for (id_key,) in self._connection.execute(statement, parameters)}
