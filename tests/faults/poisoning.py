"""Records that can never succeed, put onto the topics of the stages: each must become a dead letter, and no more."""

import random
from contextlib import closing

from kafka import KafkaProducer

from services.contracts.codec import encode
from tests.faults.collecting import POISON
from tests.faults.judge_streams import INPUTS


def values(chance: random.Random) -> list[bytes | None]:
    """Return what no stage can read: no record, an unknown schema, a record of another topic, none at all."""
    alien = encode("ThreadChanged", {"change": {"loser": 1, "winner": 1}, "version": 0, "cause": "poison"})
    return [b"no record", b"\xc3\x01" + chance.randbytes(40), alien[:-3], None]


def poison(kafka: str, chance: random.Random) -> int:
    """Produce one of each to both stages and return how many; all of them are acknowledged."""
    sent = 0
    with closing(KafkaProducer(bootstrap_servers=kafka, acks="all")) as producer:
        for topic in INPUTS:
            for value in values(chance):
                key = chance.randbytes(6)
                producer.send(topic, key=key, value=value, headers=[(POISON, b"1")]).get(timeout=20)
                sent += 1
    return sent
