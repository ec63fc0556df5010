import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from services.contracts import decode
from services.domain.errors import Refused
from services.settings import publisher
from services.settings.snapshot import EMPTY
from services.storage.outbox import OutboxRow, drain
from services.storage.postgres import connect

pytestmark = pytest.mark.component

PROFILE = {"host": "imap.example.org", "port": 993}
MAILBOX = {"address": "ada@example.org", "serverProfile": "main", "user": "ada", "credential": "c"}


def publish(url, changes, base_version=None):
    return publisher.publish(url, changes, author="ada", reason="because", base_version=base_version)


def on_topic(database) -> list[dict[str, object]]:
    rows: list[OutboxRow] = []
    while drain(database("settings"), "settings", rows.extend):
        pass
    records = []
    for row in rows:
        name, record = decode(row.value or b"")
        assert ("settings", "SettingsRecord", record["key"].encode()) == (row.topic, name, row.key)
        records.append(record)
    return records


def test_a_change_is_in_force_in_the_history_and_on_its_way(url, database):
    assert 1 == publish(url, {"organization": {"filter.userDefault": 0}})

    current = publisher.current(url)
    assert (1, 0) == (current.version, current.organization.filter_user_default)
    (change,) = publisher.history(url)
    assert (1, "organization", "ada", "because") == (change.version, change.key, change.author, change.reason)
    (record,) = on_topic(database)
    assert (1, "organization", "ada") == (record["version"], record["key"], record["author"])
    assert change.value == json.loads(str(record["value"]))


def test_every_changed_object_has_a_version_of_its_own(url, database):
    assert 3 == publish(url, {"server-profile/main": PROFILE, "mailbox/ada@example.org": MAILBOX, "organization": {}})
    assert [1, 2, 3] == [record["version"] for record in on_topic(database)]


def test_an_unchanged_value_writes_nothing(url, database):
    publish(url, {"organization": {"filter.userDefault": 0}})
    on_topic(database)

    assert 1 == publish(url, {"organization": {"filter.userDefault": 0}})
    assert 1 == publish(url, {"principal/user:u9": None}), "was not there"
    assert 1 == publish(url, {})
    assert [] == on_topic(database)
    assert 1 == len(publisher.history(url))


def test_what_is_not_set_is_not_stored_so_that_a_default_may_change(url, database):
    publish(url, {"organization": {"filter.userDefault": 0}})

    (record,) = on_topic(database)
    assert {"filter.userDefault": 0} == json.loads(str(record["value"]))


def test_an_earlier_version_can_be_looked_at(url):
    publish(url, {"principal/user:u1": {"filter": 2}})
    publish(url, {"principal/user:u1": {"filter": 3}, "principal/user:u2": {}})
    publish(url, {"principal/user:u1": None})

    filters = [{key: one.filter for key, one in publisher.at(url, n).principals.items()} for n in range(5)]

    assert [{}, {"user:u1": 2}, {"user:u1": 3}, {"user:u1": 3, "user:u2": None}, {"user:u2": None}] == filters
    with pytest.raises(Refused, match="there is no settings version 5: the newest is 4"):
        publisher.at(url, 5)


def test_a_prefix_that_is_replaced_is_kept_among_the_former_ones(url):
    for prefix in ("A:", "A:", "B:", "C:", "A:"):
        publish(url, {"organization": {"tracking.token.prefix": prefix}})

    assert 4 == publisher.current(url).version, "what is the same writes nothing"
    assert ("A:", ("C:", "B:", "A:", "CRM:")) == prefixes(url)
    publish(url, {"organization": None})
    assert ("CRM:", ("C:", "B:", "A:", "CRM:")) == prefixes(url)
    publish(url, {"organization": {"tracking.token.prefixHistory": []}})
    assert ("CRM:", ()) == prefixes(url)


def prefixes(url) -> tuple[str, tuple[str, ...]]:
    organization = publisher.current(url).organization
    return organization.tracking_token_prefix, organization.tracking_token_prefix_history


def test_the_template_of_new_mailboxes_names_a_profile_that_there_is(url):
    wanted = {"defaults.serverProfileId": "main"}
    with pytest.raises(Refused, match=r"defaults\.serverProfileId is 'main', but there is no server-profile/main"):
        publish(url, {"organization": wanted})
    publish(url, {"server-profile/main": PROFILE, "organization": wanted})

    with pytest.raises(Refused, match="there is no server-profile/main"):
        publish(url, {"server-profile/main": None})
    with pytest.raises(Refused, match=r'defaults\.act is "sss", but servers are reached by IMAP and POP3'):
        publish(url, {"organization": {**wanted, "defaults.act": "sss"}})


POP3 = {**PROFILE, "protocol": "pop3"}


@pytest.mark.parametrize(
    ("profile", "fields", "said"),
    [
        (POP3, {"folders": ["INBOX", "Sent"]}, "POP3 has one folder"),
        (PROFILE, {"processAndDelete": True, "owner": {"type": "queue", "id": "q"}}, "mail is deleted by POP3 only"),
        (
            PROFILE,
            {"processAndDelete": True, "serverProfile": None, "incoming": "push"},
            "mail is deleted by POP3 only",
        ),
        (POP3, {"processAndDelete": True, "owner": {"type": "user", "id": "u"}}, "only the mail of a queue or"),
        (POP3, {"processAndDelete": True}, "only the mail of a queue or"),
    ],
)
def test_what_a_protocol_has_not_is_refused(url, profile, fields, said):
    with pytest.raises(Refused, match=rf"mailbox/ada@example\.org: .*{said}"):
        publish(url, {"server-profile/main": profile, "mailbox/ada@example.org": {**MAILBOX, **fields}})


def test_a_way_to_log_in_that_pop3_has_not_is_refused(url):
    with pytest.raises(Refused, match=r'server-profile/main: auth is "oauthbearer", but over POP3'):
        publish(url, {"server-profile/main": {**POP3, "auth": "oauthbearer"}})


def test_a_queue_may_be_read_by_pop3_and_its_mail_deleted(url):
    queue = {**MAILBOX, "folders": ["Inbox"], "processAndDelete": True, "owner": {"type": "queue", "id": "q"}}

    assert 2 == publish(url, {"server-profile/main": POP3, "mailbox/ada@example.org": queue})


def test_what_is_removed_says_so_on_the_topic_and_may_come_back(url, database):
    publish(url, {"principal/user:u1": {"filter": 2}})
    publish(url, {"principal/user:u1": None})

    assert {} == publisher.current(url).principals
    assert 3 == publish(url, {"principal/user:u1": {"filter": 2}})
    assert [False, True, False] == [record["value"] is None for record in on_topic(database)]
    assert [1, 2, 3] == [change.version for change in publisher.history(url, "principal/user:u1")]
    assert [] == publisher.history(url, "organization")


def test_all_or_nothing(url, database):
    with pytest.raises(Refused, match=r"filter\.userDefault is 9"):
        publish(url, {"principal/user:u1": {"filter": 2}, "organization": {"filter.userDefault": 9}})

    assert EMPTY == publisher.current(url)
    assert [] == on_topic(database)


def test_a_mailbox_needs_its_server_profile(url):
    with pytest.raises(Refused, match=r"there is no server-profile/main"):
        publish(url, {"mailbox/ada@example.org": MAILBOX})
    publish(url, {"mailbox/ada@example.org": MAILBOX, "server-profile/main": PROFILE})
    with pytest.raises(Refused, match=r"there is no server-profile/main"):
        publish(url, {"server-profile/main": None})

    assert 4 == publish(url, {"server-profile/main": None, "mailbox/ada@example.org": None})


def test_an_outdated_base_version_is_refused(url):
    publish(url, {"principal/user:u1": {"filter": 2}}, base_version=0)
    publish(url, {"principal/user:u1": {"filter": 3}}, base_version=1)

    with pytest.raises(Refused, match="at version 2, yours began at 1"):
        publish(url, {"principal/user:u1": {"filter": 4}}, base_version=1)

    assert 3 == publisher.current(url).principals["user:u1"].filter


def test_of_eight_editors_with_one_base_one_wins(url):
    def edit(n: int) -> bool:
        try:
            publish(url, {"principal/user:u1": {"filter": n % 5}}, base_version=0)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert 1 == sum(threads.map(edit, range(8)))


def test_versions_have_no_gaps_and_the_order_of_the_commits(url, database):
    """Eight publishers, some of whom fail; a reader who looks never sees a version before a smaller one."""
    seen: list[list[int]] = []
    done = threading.Event()

    def look() -> None:
        with connect(url, "reader") as reader:
            while not done.is_set():
                rows = reader.execute("SELECT version FROM settings.history ORDER BY version").fetchall()
                seen.append([version for (version,) in rows])

    def work(worker: int) -> None:
        choice = random.Random(worker)
        for n in range(12):
            changes: dict[str, object] = {
                f"principal/user:{worker}-{n}-{k}": {"filter": k % 5} for k in range(choice.randint(1, 3))
            }
            if choice.random() < 0.3:
                changes["organization"] = {"filter.userDefault": 9}
                with pytest.raises(Refused):
                    publish(url, changes)
            else:
                publish(url, changes)

    looking = threading.Thread(target=look)
    looking.start()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    done.set()
    looking.join()

    assert len(seen) > 10
    for versions in seen:
        assert list(range(1, len(versions) + 1)) == versions
    total = len(publisher.history(url))
    assert list(range(1, total + 1)) == [record["version"] for record in on_topic(database)]


def test_only_the_publisher_writes_the_history(url):
    with connect(url, "fetcher") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM settings.history")
