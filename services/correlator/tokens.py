"""Our own tokens in a batch of mail: the good ones are evidence, the forged ones are counted and told of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.domain import token_evidence
from services.domain.alert_signals import of_token
from services.domain.evidence import Evidence
from services.domain.message import Message
from services.domain.own_token import Keys
from services.runtime import metrics, signals
from services.runtime.records import Output


class TokenCheck:
    """Verifies the tokens of one batch under the keys of the installation."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._forged: list[tuple[str, str]] = []

    def evidence(self, record: Mapping[str, Any], message: Message) -> tuple[Evidence, ...]:
        """Return what the good tokens of a mail point at. A key that was good when it came in is good."""
        found = token_evidence.verified(message, self._keys, at=record["internal_date"])
        if found.forged:
            self._forged.append((record["mailbox"], record["delivery_id"]))
            metrics.TOKENS.labels("own", "forged").inc(found.forged)
        good = len(found.tokens) + len(found.in_subject)
        if not good:
            return ()
        metrics.TOKENS.labels("own", "verified").inc(good)
        return tuple(token_evidence.of_own(found))

    def alerts(self) -> list[Output]:
        """Return a signal for each mail with a forged token."""
        now = datetime.now(UTC)
        told = [of_token(mailbox, "tokens_forged", detail=f"delivery {of}", at=now) for mailbox, of in self._forged]
        rows = [signals.record(signal) for signal in told]
        return [Output(row.topic, row.key, row.value) for row in rows]
