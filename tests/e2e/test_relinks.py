"""People part, split and join conversations on a running pipeline, and everything follows."""

from uuid import uuid4

import pytest

from services.cli import commanding
from services.cli.publishing import sending
from tests.e2e.conftest import KIM, SUPPORT, Company
from tests.e2e.mails import mail
from tests.e2e.test_alerts import until
from tests.e2e.test_mail import activities, explained

pytestmark = pytest.mark.e2e


def ids(domain: str, *names: str) -> list[str]:
    return [f"{name}@{domain}" for name in names]


def conversation(company: Company, domain: str) -> list[str]:
    """Let a root, an answer and an answer to that arrive, and another mail; return their ids."""
    root, reply, last, other = found = ids(domain, "root", "reply", "last", "other")
    company.pipeline.append(
        SUPPORT,
        mail(root, from_=KIM, to=SUPPORT),
        mail(reply, from_=KIM, to=SUPPORT, in_reply_to=root, references=[root], minute=1),
        mail(last, from_=KIM, to=SUPPORT, in_reply_to=reply, references=[root, reply], minute=2),
        mail(other, from_=KIM, to=SUPPORT, minute=3),
    )
    company.pipeline.wait()
    return found


def answered(company: Company, domain: str) -> dict[str, tuple[str, str]]:
    return {
        name: (one["correlation"]["method"], one["correlation"]["message_id"] or "")
        for name, one in activities(company, domain).items()
    }


def grouped(company: Company, domain: str) -> set[frozenset[str]]:
    found = activities(company, domain)
    return {
        frozenset(name for name, other in found.items() if other["thread_id"] == one["thread_id"])
        for one in found.values()
    }


def test_a_relinked_mail_answers_what_a_person_says_and_explain_tells_who_and_why(company: Company):
    domain = "relink.example"
    root, reply, last, other = conversation(company, domain)
    done = company.pipeline.mailweave("relink", f"<{reply}>", root, other, "--reason", "wrong order", "--wait")

    assert "Done: " in done.stdout
    until(lambda: answered(company, domain)[reply] == ("Manual", other))
    # The last one names the root too, so the old conversation and the new one hang together by it.
    company.pipeline.mailweave("split", last, "--reason", "of its own", "--wait")
    until(lambda: answered(company, domain)[last] == ("None", ""))
    until(lambda: grouped(company, domain) == {frozenset({root}), frozenset({reply, other}), frozenset({last})})
    (told,) = explained(company, reply)
    assert [
        ("relink", root, other, "wrong order"),
    ] == [(one["kind"], one["target"], one["onto"], one["reason"]) for one in told["relinks"]]
    shown = company.pipeline.mailweave("explain", reply).stdout
    assert f"parted <{reply}> from <{root}> and joined it with <{other}> (wrong order)." in shown


def test_parted_and_joined_again(company: Company):
    domain = "parted.example"
    root, reply, last, other = conversation(company, domain)
    company.pipeline.mailweave("split", reply, "--reason", "another matter", "--wait")
    until(lambda: grouped(company, domain) == {frozenset({root}), frozenset({reply, last}), frozenset({other})})
    later = f"later@{domain}"
    company.pipeline.append(
        SUPPORT,
        mail(later, from_=KIM, to=SUPPORT, in_reply_to=last, references=[root, reply, last], minute=9),
    )
    company.pipeline.wait()
    assert frozenset({reply, last, later}) in grouped(company, domain)

    company.pipeline.mailweave("merge", reply, root, "--reason", "the same after all", "--wait")
    until(lambda: grouped(company, domain) == {frozenset({root, reply, last, later}), frozenset({other})})
    until(lambda: answered(company, domain)[reply] == ("Manual", root))


def test_a_command_whose_record_comes_twice_acts_once(company: Company):
    """The second one would part again what was joined meanwhile."""
    domain = "twice.example"
    root, reply, last, _ = conversation(company, domain)
    record = commanding.record(uuid4(), "unlink", f"message/{last}", "not that one", target=reply)
    with sending(company.pipeline.config) as send:
        send([record])
        until(lambda: answered(company, domain)[last] == ("References", root))
        company.pipeline.mailweave("split", last, "--reason", "of its own", "--wait")
        company.pipeline.mailweave("merge", last, reply, "--reason", "joined again", "--wait")
        send([record])
        # Of one message, so it is carried out after what was sent before.
        company.pipeline.mailweave("merge", last, reply, "--reason", "again", "--wait", check=False)

    until(lambda: frozenset({root, reply, last}) in grouped(company, domain))
    (told,) = explained(company, last)
    refused = [(one["kind"], bool(one["refused"])) for one in told["relinks"]]
    assert [("unlink", False), ("split", False), ("merge", False), ("merge", True)] == refused


def test_what_makes_no_sense_is_refused_in_plain_words(company: Company):
    root, reply, _, other = conversation(company, "refused.example")
    for arguments, code, says in (
        (("split", "<>"), 2, "is no Message-ID"),
        (("unlink", reply, other), 2, "does not point at"),
        (("unlink", reply, reply), 2, "named twice"),
        (("merge", reply, "nobody@refused.example"), 2, "has come in"),
        (("merge", reply, root, "--wait"), 1, "in one conversation already"),
    ):
        done = company.pipeline.mailweave(*arguments, "--reason", "r", check=False)
        assert (code, True) == (done.returncode, says in done.stderr), done
    assert 2 == company.pipeline.mailweave("split", reply, check=False).returncode  # a reason is asked for


def test_a_mail_is_filed_by_hand_and_taken_away_again_and_its_answers_follow(company: Company):
    domain = "filed.example"
    root, reply, last, other = conversation(company, domain)

    def hanging() -> dict[str, list[tuple[str, str]]]:
        found = activities(company, domain)
        return {name: [(r["id"], r["source"]) for r in one["regardings"]] for name, one in found.items()}

    company.pipeline.mailweave("regarding", "add", root, "case/1", "--reason", "hers", "--wait")
    done = company.pipeline.mailweave("regarding", "add", reply, "case/2", "--reason", "this too", "--wait")
    assert "Done: filed under case 2." in done.stdout
    both = [("2", "correlated"), ("1", "correlated")]
    until(lambda: hanging() == {
        root: [("1", "manual")], reply: [("2", "manual"), ("1", "correlated")], last: both, other: [],
    })  # fmt: skip

    company.pipeline.mailweave("regarding", "remove", reply, "case/1", "--reason", "not hers", "--wait")
    until(lambda: hanging() == {
        root: [("1", "manual")], reply: [("2", "manual")], last: [("2", "correlated")], other: [],
    })  # fmt: skip
    refused = company.pipeline.mailweave("regarding", "remove", reply, "case/1", "--reason", "r", "--wait", check=False)
    assert "refused: it is not filed under this record" in refused.stderr
