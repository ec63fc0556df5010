"""A conversation is a tree in which every activity stands once."""

from services.cli import conversation_tree


def _activity(name, answers=None, **changes):
    return {
        "id": name,
        "direction": "incoming",
        "message_id": f"{name}@x",
        "thread_id": "1",
        "parent_activity_id": None,
        "correlation": {"method": "References" if answers else "None", "activity_id": answers, "message_id": "p@x"},
        "subject": f"S{name}",
        "sent_at": "2026-01-01T00:00:00Z",
        "parties": [{"role": "from", "address": "a@x", "name": "Ann", "records": [{"type": "contact", "id": "c1"}]}],
        "regarding": None,
        "regardings": [],
        "owner": None,
        "accepted_by": {"type": "user", "id": "u1"},
        "deliveries": [{"mailbox": "m@x", "folder": "INBOX", "uidvalidity": 1, "uid": 2}],
        "attachments": [],
        "dropped_attachments": [],
        **changes,
    }


def _subjects(thread):
    lines = [line for line in conversation_tree.lines(thread) if ": S" in line]
    return [(len(line) - len(line.lstrip()), line.rpartition(": ")[2]) for line in lines]


def test_answers_stand_below_what_they_answer():
    thread = [_activity("a"), _activity("b", "a"), _activity("c"), _activity("d", "a"), _activity("e", "b")]

    assert [(2, "Sa"), (6, "Sb"), (10, "Se"), (6, "Sd"), (2, "Sc")] == _subjects(thread)


def test_an_answer_to_another_conversation_stands_at_the_left():
    assert [(2, "Sa")] == _subjects([_activity("a", "elsewhere")])


def test_activities_on_a_circle_are_shown_once():
    thread = [_activity("a", "b"), _activity("b", "a"), _activity("c", "c")]

    assert ["Sa", "Sb", "Sc"] == sorted(subject for _, subject in _subjects(thread))


def test_a_chain_of_thousands_is_no_recursion():
    thread = [_activity("0"), *(_activity(str(n), str(n - 1)) for n in range(1, 5000))]

    assert 5000 == len(_subjects(thread))


def test_a_subject_cannot_talk_to_the_terminal():
    text = "\n".join(conversation_tree.lines([_activity("a", subject="\x1b]0;owned\x07")]))

    assert "\x1b" not in text


def test_an_activity_without_sender_date_or_subject_is_shown():
    lines = list(conversation_tree.lines([_activity("a", subject="", sent_at=None, parties=[])]))

    assert "  ← no date  (no sender): (no subject)" == lines[0]
