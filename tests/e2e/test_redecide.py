"""Mail decided again on a running pipeline, by resolvers that are killed in the middle of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e import store, topics
from tests.e2e.conftest import LEE, Company
from tests.e2e.mails import mail
from tests.e2e.test_crash import dead, only_one_that_dies
from tests.e2e.test_mail import activities, explained

pytestmark = pytest.mark.e2e

DORA = "dora@own.example"


def test_what_is_asked_for_is_carried_out_although_the_worker_is_killed(company: Company, tmp_path):
    """Dora's filter is opened; the first resolver dies with its job done and not committed, the next ones do it."""
    own, reply = (f"{name}@again.example" for name in ("own", "reply"))
    pipeline, file = company.pipeline, tmp_path / "directory.jsonl"
    user = {"type": "user", "id": "dora", "name": "Dora", "addresses": [DORA], "owner": None, "active": True}
    file.write_text(json.dumps(user) + "\n", "utf-8")
    pipeline.mailweave("directory", "apply", file)
    pipeline.add_mailbox(DORA, "user:dora")
    pipeline.append(DORA, mail(own, from_=LEE, to=DORA), mail(reply, from_=LEE, to=DORA, in_reply_to=own, minute=1))
    pipeline.wait()
    assert {} == activities(company, "again.example")
    lacking = pipeline.mailweave("explain", own, "--not", "user/dora").stdout
    assert "The filter of user dora would have had to take more than responses" in lacking
    since = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    asked = ("redecide", "--since", since, "--mailbox", DORA)

    pipeline.mailweave("settings", "set", "principal/user:dora", "filter=0", "--wait", "--reason", "opened")
    try:
        told = [json.loads(line) for line in pipeline.mailweave(*asked, "--json").stdout.splitlines()]
        changes = {one["message_id"]: one["changes"] for one in told}
        assert {own: ["accepted"], reply: ["accepted", "link-gained"]} == {id_: changes[id_] for id_ in (own, reply)}
        with only_one_that_dies(pipeline, "resolver", "resolver.job"):
            pipeline.mailweave(*asked, "--apply", "--reason", "opened for all")
            dead(pipeline, "resolver-1")
            assert {} == activities(company, "again.example")
            waiting = pipeline.mailweave("wait", "--timeout", "1", check=False)
            assert (1, True) == (waiting.returncode, "resolver.job is not empty" in waiting.stdout)
        pipeline.wait()

        found = activities(company, "again.example")
        assert ("InReplyTo", own) == tuple(found[reply]["correlation"][one] for one in ("method", "message_id"))
        (told_of,) = explained(company, own)
        (delivery,) = told_of["deliveries"]
        assert ("redecide", "opened for all") == (delivery["cause"], delivery["asked"]["reason"])
        assert ["NoCorrelationMatch"] == [one["outcome"] for one in delivery["history"]]
        assert "" == pipeline.mailweave(*asked, "--json").stdout
        events = [value for name, value in topics.records(company.kafka, "activity-events") if name == "ActivityEvent"]
        assert [["created"]] == [one["reasons"] for one in events if one["message_id"] == own]
    finally:
        pipeline.mailweave("settings", "set", "principal/user:dora", "filter=1", "--wait", "--reason", "as before")
    pipeline.mailweave(*asked, "--apply", "--reason", "closed again")
    pipeline.wait()

    assert {} == activities(company, "again.example")
    assert {"NoCorrelationMatch"} == {
        one.outcome for name in (own, reply) for one in store.decisions(company.postgres, name)[name][1]
    }
    pipeline.mailweave("verify")
