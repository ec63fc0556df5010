"""A million forged tokens: none is accepted."""

from datetime import UTC, datetime

import pytest

from services.domain.own_token import Key, Keys
from tests.forgeries import forgeries

pytestmark = pytest.mark.fuzz

KEYS = Keys("own.example", (Key("a", b"first" * 7), Key("b", b"second" * 6)))


def test_a_million_forged_tokens_are_refused():
    assert 0 == forgeries(KEYS, count=1_000_000, seed=2026, at=datetime(2026, 5, 4, tzinfo=UTC))
