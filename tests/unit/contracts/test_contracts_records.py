"""The typed records have exactly the fields of the schemas; a message survives its record."""

import typing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contracts import activity_record, decode, encode, received_record, records, schemas
from services.contracts.received import Found, found_of, identity_of, message_of, to_record
from services.domain.identity import author, identity
from services.domain.message import (
    Mailbox,
    Message,
    MessageId,
    ParseOutcome,
    Part,
    PartRole,
    Report,
    Reported,
    ReportForm,
)
from tests.unit.contracts.values import TEXTS, TIMES

MODULES = (records, received_record, activity_record)
PYTHON = {"string": str, "long": int, "int": int, "boolean": bool, "bytes": bytes, "null": type(None)}


def agrees(hint: Any, type_: Any, named: dict[str, Any]) -> bool:
    """Whether a type hint says what the Avro type says."""
    if isinstance(type_, list):
        options = typing.get_args(hint)
        return len(options) == len(type_) and all(any(agrees(o, one, named) for o in options) for one in type_)
    if isinstance(type_, str):
        return hint is PYTHON[type_] if type_ in PYTHON else agrees(hint, named[type_], named)
    if type_.get("logicalType") == "timestamp-millis":
        return hint is datetime
    if type_["type"] == "array":
        return typing.get_origin(hint) is list and agrees(typing.get_args(hint)[0], type_["items"], named)
    if type_["type"] == "record":
        named[type_["name"]] = type_
        hints = typing.get_type_hints(hint) if typing.is_typeddict(hint) else {}
        return list(hints) == [f["name"] for f in type_["fields"]] and all(
            agrees(hints[f["name"]], f["type"], named) for f in type_["fields"]
        )
    return agrees(hint, type_["type"], named)


@pytest.mark.parametrize("record", sorted(schemas.newest(schemas.committed())))
def test_each_typed_record_has_the_fields_and_types_of_its_schema(record):
    newest = schemas.newest(schemas.committed())[record]

    assert record in records.__all__
    assert agrees(getattr(records, record), newest.parsed, {})


MAILBOXES = st.lists(st.builds(Mailbox, TEXTS, TEXTS), max_size=3).map(tuple)
IDS = st.lists(TEXTS.map(MessageId), max_size=3).map(tuple)
PARTS = st.builds(
    Part,
    path=TEXTS,
    content_type=TEXTS,
    filename=TEXTS,
    size=st.integers(0, 2**40),
    sha256=TEXTS,
    disposition=TEXTS,
    content_id=TEXTS,
    role=st.sampled_from(PartRole),
)
MESSAGES = st.builds(
    Message,
    message_id=st.none() | TEXTS.map(MessageId).filter(bool),
    in_reply_to=IDS,
    references=IDS,
    from_=MAILBOXES,
    sender=MAILBOXES,
    reply_to=MAILBOXES,
    to=MAILBOXES,
    cc=MAILBOXES,
    bcc=MAILBOXES,
    subject=TEXTS,
    date=st.none() | TIMES,
    date_raw=TEXTS,
    thread_index=TEXTS,
    thread_topic=TEXTS,
    headers=st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
    parts=st.lists(PARTS, max_size=2).map(tuple),
    body_text=TEXTS,
    body_truncated=st.booleans(),
    has_html=st.booleans(),
    repairs=st.lists(TEXTS, max_size=2).map(tuple),
    outcome=st.sampled_from(ParseOutcome),
    report=st.none()
    | st.builds(
        Report,
        st.sampled_from(ReportForm),
        IDS,
        st.lists(st.builds(Reported, TEXTS, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
    ),
)
FOUND = Found(
    delivery_id=UUID(int=7),
    source="imap",
    mailbox="ada@example.org",
    folder="INBOX",
    folder_role="inbox",
    uidvalidity=1,
    uid=2,
    internal_date=datetime(2026, 3, 2, 9, tzinfo=UTC),
    blob_sha256="ab" * 32,
    size=100,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(message=MESSAGES)
def test_a_message_comes_out_of_its_record_as_it_went_in(message):
    record = to_record(message, identity=identity(message), found=FOUND)

    name, read = decode(encode("MailReceived", record))

    assert "MailReceived" == name
    assert message == message_of(read)
    assert identity(message) == identity_of(read)
    assert FOUND == found_of(read)
    assert author(message) == read["author"]
