"""With much mail stored, what a decision, its lock or a merged record asks is answered along indexes."""

import psycopg
import pytest

from services.resolver import merging, reading, regardings
from tests.component.resolver.conftest import Resolver

pytestmark = pytest.mark.component

MAILS = 20_000
FILLED = (
    """INSERT INTO resolver.message (message_key, id_key, message_id, thread, graph_version)
       SELECT md5('m' || n)::uuid, md5('i' || n)::uuid, n || '@x.example', n, 1 FROM generate_series(1, %s) n""",
    """INSERT INTO resolver.regarding
           (activity_id, message_key, type, id, position, source, author, why, sent_at, until, ended)
       SELECT md5('a' || n)::uuid, md5('m' || n)::uuid, 'account', (n %% 5000)::text, 0, 'correlated', '', '', now(),
           CASE WHEN n %% 100 = 0 THEN now() END, CASE WHEN n %% 100 = 0 THEN 'person' ELSE '' END
       FROM generate_series(1, %s) n""",
)
READ = "SELECT relname FROM pg_stat_xact_user_tables WHERE seq_tup_read >= 1000 AND schemaname = 'resolver'"


def test_whatever_was_taken_away_or_merged_nothing_reads_them_all(resolver: Resolver):
    with psycopg.connect(resolver.url) as connection:
        for query in FILLED:
            connection.execute(query, (MAILS,))
    with psycopg.connect(resolver.url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        taken = connection.execute(
            "SELECT message_key, activity_id FROM resolver.regarding WHERE ended = 'person' LIMIT 200"
        ).fetchall()
    with psycopg.connect(resolver.url) as connection:
        assert 200 == len(regardings.taken_away(connection, [key for key, _ in taken]))
        given = {"type": "account", "loser": "100", "survivor": "1", "most": 200}
        named = connection.execute(merging._NAMING, given).fetchall()
        assert MAILS // 5_000 == len(named)
        given |= {"activities": [activity for _, activity in (*taken, *named)]}
        assert {row[0] for row in connection.execute(merging._REGARDING, given)} >= {activity for _, activity in named}
        assert [] == connection.execute(READ).fetchall()


def test_the_lock_of_a_batch_reads_no_other_messages(resolver: Resolver):
    with psycopg.connect(resolver.url) as connection:
        connection.execute(FILLED[0], (MAILS,))
    with psycopg.connect(resolver.url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        batch = [key for (key,) in connection.execute("SELECT message_key FROM resolver.message LIMIT 200")]
    with psycopg.connect(resolver.url) as connection:
        reading.lock(connection, batch)
        assert [] == connection.execute(READ).fetchall()
