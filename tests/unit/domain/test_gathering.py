"""All evidence of one copy, and what hostile mail costs."""

import base64
from uuid import UUID, uuid5

from services import mime
from services.domain.evidence import MOST_IDS, Kind
from services.domain.features import features_of
from services.domain.gathering import gather_all
from services.domain.identity import NAMESPACE, Direction, identity
from services.domain.memory_graph import MemoryGraph
from services.domain.message import MessageId
from services.domain.sightings import Sighting
from tests.messages import message

MAILBOX = "support@own.example"


def key(what: str, text: str) -> UUID:
    return uuid5(NAMESPACE, what + text)


def gathered(of, folder_role="inbox"):
    return gather_all(identity(of).message_id, of, mailbox=MAILBOX, folder_role=folder_role, key=key)


def test_every_kind_is_gathered_and_only_ids_and_own_names_join_threads():
    index = base64.b64encode(bytes(range(1, 23))).decode()
    of = message(
        in_reply_to=(MessageId("a@x"),),
        references=(MessageId("b@x"),),
        thread_index=index,
        headers=(("x-gmail-original-message-id", "<old@x>"),),
    )

    found = gathered(of, "sent")

    assert [Kind.ALIAS, Kind.COPY, Kind.IN_REPLY_TO, Kind.REFERENCES, Kind.THREAD_INDEX] == [
        one.kind for one in found.evidence
    ]
    graph = MemoryGraph()
    graph.place([Sighting(key("message", "1"), key("id", "1"), MessageId("1"), found.evidence, found.truncated)])
    joined = {one.kind for one in found.evidence if graph.thread_of(one.target) is not None}
    assert {Kind.ALIAS, Kind.COPY, Kind.IN_REPLY_TO, Kind.REFERENCES} == joined


def test_twenty_thousand_references_and_a_loop_are_followed_to_the_limit_once():
    """The nearest ones and the root are kept, the mail itself is not among them, and the graph has one thread."""
    ids = [MessageId(f"{n}@x") for n in range(20_000)]
    of = message(message_id=ids[0], references=(*ids, *ids[:10]), in_reply_to=(ids[0], ids[5]))

    found = gathered(of)

    assert (MOST_IDS, True) == (len(found.evidence), found.truncated)
    assert ids[0] not in {one.value for one in found.evidence}
    graph = MemoryGraph()
    sightings = [
        Sighting(
            key("message", mid),
            key("id", mid),
            mid,
            gathered(message(message_id=mid, references=(back,))).evidence,
            False,
        )
        for mid, back in zip(ids[:3], (ids[1], ids[2], ids[0]), strict=True)
    ]
    placed = graph.place([*sightings, Sighting(key("message", "big"), key("id", ids[0]), ids[0], found.evidence, True)])
    assert 1 == len({one.thread for one in placed.values()})


def test_headers_and_lines_of_megabytes_give_bounded_evidence():
    """A subject of 2 MB, a line of 10 MB, ids glued together: read, cut, and looked at once."""
    raw = (
        b"Message-ID: <big@x>\r\nFrom: kim@customer.example\r\nTo: support@own.example\r\nSubject: Re: "
        + b"x" * 2_000_000
        + b"\r\nReferences: "
        + b"".join(b"<%d@x>" % n for n in range(20_000))
        + b"\r\nThread-Index: "
        + b"A" * 2_000_000
        + b"\r\n\r\n"
        + b"> y" * 3_500_000
    )
    of = mime.parse(raw)

    found = gathered(of)
    features = features_of(of, Direction.INCOMING)

    assert len(found.evidence) <= MOST_IDS + 1
    assert all(len(one.value) <= 3_000 for one in found.evidence)
    assert len(features.subject.text) <= 1_000


def test_glued_folded_and_bracketed_ids_are_the_same_ids():
    """However a client writes its lists of ids, and whatever the case of the domain."""
    glued = mime.parse(b"Message-ID: <m@x>\r\nReferences: <a@X.example><b@x.example>\r\n\r\n")
    folded = mime.parse(b"Message-ID: <m@x>\r\nReferences:\r\n <a@x.example>\r\n\t<b@x.EXAMPLE>\r\n\r\n")
    bare = mime.parse(b"Message-ID: <m@x>\r\nReferences: a@x.example, b@x.example\r\n\r\n")

    assert gathered(glued).evidence == gathered(folded).evidence == gathered(bare).evidence
