from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest

from services.domain.errors import Refused, Retry
from services.storage import migrate
from services.storage.migrate import Migration, known

pytestmark = pytest.mark.component

FIRST = Migration("0001_a.sql", b"CREATE TABLE a (x integer)")
SECOND = Migration("0002_b.sql", b"CREATE TABLE b (x integer)")


def tables(url) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        return {name for (name,) in found} - {"mailweave_migration"}


def test_all_run_once_from_nothing(empty_url):
    names = [one.name for one in known()]

    assert names == migrate.check(empty_url)
    assert names == migrate.migrate(empty_url)
    assert [] == migrate.check(empty_url)
    assert [] == migrate.migrate(empty_url)


def test_what_was_filed_under_one_record_stays_so_when_there_can_be_several(empty_url):
    migrate.migrate(empty_url, [one for one in known() if one.name < "0049"])
    key, names = uuid4(), {source: uuid4() for source in ("manual", "correlated", "inherited")}
    with psycopg.connect(empty_url) as connection:
        connection.execute(
            "INSERT INTO resolver.message (message_key, id_key, thread, graph_version) VALUES (%s, %s, 1, 1)",
            (key, uuid4()),
        )
        for number, (source, name) in enumerate([*names.items(), (None, uuid4())]):
            connection.execute(
                "INSERT INTO resolver.activity (id, message_key, direction, version, subject, body_text, method,"
                " regarding_type, regarding_id, regarding_source, repairs, parse_outcome, settings_version,"
                " code_version) VALUES (%s, %s, %s, 1, '', '', 'None', %s, %s, %s, '{}', '', 1, '')",
                (name, key, f"d{number}", "case" if source else None, "7" if source else None, source),
            )
    migrate.migrate(empty_url)

    with psycopg.connect(empty_url) as connection:
        found = connection.execute(
            "SELECT activity_id, type, id, source, until, sent_at::text FROM resolver.regarding"
        ).fetchall()
    manual, *others = ((names[source], "case", "7") for source in names)
    assert {(*manual, "manual", None, "-infinity"), *((*one, "correlated", None, "-infinity") for one in others)} == {
        *found
    }


def test_every_schema_belongs_to_its_owner(url):
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT schemaname, tableowner FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema|public)'"
        ).fetchall()

    assert {"settings", "fetcher", "correlator", "resolver", "alerter"} == {schema for schema, _ in rows}
    assert {f"mailweave_{schema}" for schema, _ in rows} == {owner for _, owner in rows}


def test_checking_changes_nothing(empty_url):
    migrate.check(empty_url)

    with psycopg.connect(empty_url) as connection:
        assert (None,) == connection.execute("SELECT to_regclass('public.mailweave_migration')").fetchone()


def test_what_is_new_runs_after_what_ran(empty_url):
    assert ["0001_a.sql"] == migrate.migrate(empty_url, [FIRST])
    assert ["0002_b.sql"] == migrate.migrate(empty_url, [FIRST, SECOND])


def test_a_changed_migration_is_refused_and_nothing_runs(empty_url):
    migrate.migrate(empty_url, [FIRST])

    with pytest.raises(Refused, match=r"0001_a\.sql was changed"):
        migrate.migrate(empty_url, [Migration("0001_a.sql", b"CREATE TABLE a (y integer)"), SECOND])

    assert {"a"} == tables(empty_url)


def test_the_database_of_a_newer_version_is_refused(empty_url):
    migrate.migrate(empty_url, [FIRST, SECOND])

    with pytest.raises(Refused, match=r"newer version .*0002_b\.sql"):
        migrate.migrate(empty_url, [FIRST])


def test_a_migration_that_fails_leaves_nothing_of_itself_and_all_before_it(empty_url):
    broken = Migration("0002_b.sql", b"CREATE TABLE b (x integer); CREATE TABLE a (x integer)")

    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate.migrate(empty_url, [FIRST, broken])

    assert {"a"} == tables(empty_url)
    assert ["0002_b.sql"] == migrate.migrate(empty_url, [FIRST, SECOND])


def test_four_at_once_run_each_migration_once(empty_url):
    with ThreadPoolExecutor(4) as threads:
        ran = list(threads.map(lambda _: migrate.migrate(empty_url), range(4)))

    assert sorted(one.name for one in known()) == sorted(name for names in ran for name in names)


def test_a_server_that_is_not_there_is_retried():
    with pytest.raises(Retry, match=r"127\.0\.0\.1:1\b") as error:
        migrate.migrate("postgresql://u:secret@127.0.0.1:1/x")

    assert "secret" not in str(error.value)


def test_the_first_key_is_kept_and_another_is_refused(url):
    migrate.register_key(url, b"k" * 32)
    migrate.register_key(url, b"k" * 32)

    with pytest.raises(Refused, match="MAILWEAVE_SECRET_KEY"):
        migrate.register_key(url, b"x" * 32)


def test_the_key_itself_is_not_stored(url):
    migrate.register_key(url, b"k" * 32)

    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT digest FROM settings.key_check").fetchall()
    assert 1 == len(rows)
    assert b"kkkk" not in rows[0][0]
