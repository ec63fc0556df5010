"""Our own tokens in a batch: good ones are evidence, forged ones are counted and told of, and no mail is lost."""

from services.contracts.codec import decode
from services.correlator.handlers import correlate
from services.domain import own_token
from services.domain.identity import keyed_hash
from services.domain.memory_graph import MemoryGraph
from services.domain.own_token import Audience, Key, Keys
from services.runtime.metrics import TOKENS
from tests.unit.correlator.test_handlers import KEY, batch, message, received

KEYS = Keys("", (Key("a", b"t" * 32),))
OTHERS = Keys("", (Key("a", b"x" * 32),))
ROOT = keyed_hash(KEY, "id", "root@x")


def minted(keys):
    return own_token.message_id(
        keys, own_token.reference(ROOT), nonce=bytes(10), audience=Audience.EXTERNAL, domain="own.example"
    )


def run(*mids):
    values = [received(message(f"{number}@x", [mid])) for number, mid in enumerate(mids)]
    outputs = correlate(batch(*values), graph=MemoryGraph(), hash_key=KEY, token_keys=KEYS)
    return [(output.topic, decode(output.value or b"")[1]) for output in outputs]


def counted(outcome):
    return TOKENS.labels("own", outcome)._value.get()


def test_a_good_token_is_evidence_for_its_conversation():
    before = counted("verified")
    [(topic, record)] = run(minted(KEYS))

    assert "mail-correlated" == topic
    assert [str(own_token.half(ROOT))] == [e["target"] for e in record["evidence"] if e["kind"] == "own_token"]
    assert {"H1"} == {e["cls"] for e in record["evidence"] if e["kind"] == "own_token"}
    assert 1 == counted("verified") - before


def test_a_forged_token_is_told_of_and_its_mail_goes_on_like_any():
    before = counted("forged")
    found = run(minted(OTHERS), "plain@x")

    assert ["mail-correlated", "mail-correlated", "alert-signals"] == [topic for topic, _ in found]
    assert not [e for _, record in found[:2] for e in record["evidence"] if e["kind"] == "own_token"]
    assert ("mailbox/sales@example.org", "tokens_forged", "raised") == tuple(
        found[2][1][name] for name in ("object", "code", "state")
    )
    assert 1 == counted("forged") - before
