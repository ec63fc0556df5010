import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

pytestmark = pytest.mark.component

OWNERS = ("settings", "fetcher", "correlator", "resolver")


def objects(connection, schema: str) -> list[str]:
    found = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename", (schema,)
    ).fetchall()
    return [f'{schema}."{name}"' for (name,) in found]


@pytest.mark.parametrize(
    ("role", "schema"), [(role, schema) for role in (*OWNERS, "reader") for schema in OWNERS if role != schema]
)
def test_only_the_owner_writes(url, as_role, role, schema):
    connection = as_role(role)
    with psycopg.connect(url) as admin:
        tables = objects(admin, schema)

    assert tables
    for table in tables:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}", f"DROP TABLE {table}"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement)
    with pytest.raises(InsufficientPrivilege):
        connection.execute(f"CREATE TABLE {schema}.stray (x integer)")


def test_the_correlator_may_not_write_what_the_resolver_owns(as_role):
    with pytest.raises(InsufficientPrivilege):
        as_role("correlator").execute("INSERT INTO resolver.thread_merge (loser, winner, version) VALUES (1, 2, 3)")


@pytest.mark.parametrize("schema", OWNERS)
def test_the_owner_writes_its_own(as_role, schema):
    connection = as_role(schema)
    for table in objects(connection, schema):
        connection.execute(f"SELECT count(*) FROM {table}")
    if schema != "fetcher":
        connection.execute(f"INSERT INTO {schema}.outbox (topic, key) VALUES ('t', 'k')")
    else:
        connection.execute("INSERT INTO fetcher.mailbox (mailbox) VALUES ('a@b')")


def test_the_reader_reads_everything_but_credentials(url, as_role):
    reader = as_role("reader")
    with psycopg.connect(url) as admin:
        tables = [table for schema in OWNERS for table in objects(admin, schema)]

    refused = []
    for table in tables:
        try:
            reader.execute(f"SELECT * FROM {table} LIMIT 1")
        except InsufficientPrivilege:
            refused.append(table)

    assert ['settings."credential"', 'settings."router_token"'] == refused


@pytest.mark.parametrize("role", ["fetcher", "correlator", "resolver", "reader"])
def test_credentials_are_read_by_those_who_log_in_with_them_only(as_role, role):
    connection = as_role(role)
    if role == "fetcher":
        assert [] == connection.execute("SELECT * FROM settings.credential").fetchall()
        return
    with pytest.raises(InsufficientPrivilege):
        connection.execute("SELECT * FROM settings.credential")


def test_an_unknown_role_is_an_error(as_role):
    with pytest.raises(ValueError, match="no such role"):
        as_role("postgres")
