"""
The SQL of the graph.

Every look-up is ``unnest`` with a LATERAL … OFFSET 0, so that each key is one index probe: a plan that was cached
while the tables were empty would else scan them for ever. Arrays come in sorted, so rows are written in one order.
"""

# Local to the transaction: a stalled holder of the lock would stop every replica.
BEGIN = "SELECT set_config('idle_in_transaction_session_timeout', '15s', true)"

# A statement of its own: only the next statement's snapshot shows what the last holder has committed.
LOCK = "SELECT pg_advisory_xact_lock(%s)"

NEXT_VERSION = "SELECT nextval('correlator.graph_version')"

MESSAGES = """
SELECT m.message_key, m.thread, m.version, m.truncated
FROM unnest(%b::uuid[]) AS u (key)
CROSS JOIN LATERAL (SELECT * FROM correlator.message WHERE message_key = u.key OFFSET 0) AS m"""

EDGES = """
SELECT e.child, e.target, e.kind, e.position, e.removed_by IS NOT NULL, coalesce(e.value, n.mid, '')
FROM unnest(%b::uuid[]) AS u (key)
CROSS JOIN LATERAL (SELECT * FROM correlator.edge WHERE child = u.key OFFSET 0) AS e
LEFT JOIN LATERAL (SELECT mid FROM correlator.node WHERE id = e.target OFFSET 0) AS n ON true"""

NODES = """
SELECT n.id, n.thread, n.seen
FROM unnest(%b::uuid[]) AS u (id)
CROSS JOIN LATERAL (SELECT * FROM correlator.node WHERE id = u.id OFFSET 0) AS n"""

# UNION drops what is known already, so threads with a common way up cost that way only once.
LINKS = """
WITH RECURSIVE link (loser, winner) AS (
    SELECT m.loser, m.winner
    FROM unnest(%b::bigint[]) AS u (thread)
    CROSS JOIN LATERAL (SELECT * FROM correlator.merge WHERE loser = u.thread OFFSET 0) AS m
    UNION
    SELECT m.loser, m.winner
    FROM link
    CROSS JOIN LATERAL (SELECT * FROM correlator.merge WHERE loser = link.winner OFFSET 0) AS m
)
SELECT loser, winner FROM link"""

SHORTEN = """
UPDATE correlator.merge AS m SET winner = u.winner
FROM unnest(%b::bigint[], %b::bigint[]) AS u (loser, winner)
WHERE m.loser = u.loser"""

# Plain inserts: under the lock there is nothing to conflict with, and a hole in the locking would be loud.
ADD_NODES = """
INSERT INTO correlator.node (id, thread, seen, mid)
SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::bool[], %b::text[])"""

ARRIVE = "UPDATE correlator.node SET seen = true WHERE id = ANY (%b::uuid[])"

ADD_MERGES = """
INSERT INTO correlator.merge (loser, winner, version, cause)
SELECT loser, winner, %s, cause FROM unnest(%b::bigint[], %b::bigint[], %b::uuid[]) AS u (loser, winner, cause)"""

PUT_MESSAGES = """
INSERT INTO correlator.message (message_key, id_key, thread, version, truncated)
SELECT key, id, thread, %s, truncated
FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::bool[]) AS u (key, id, thread, truncated)
ON CONFLICT (message_key) DO UPDATE
SET thread = EXCLUDED.thread, version = EXCLUDED.version, truncated = EXCLUDED.truncated"""

# An edge that exists here is one that a new copy names from nearer by.
PUT_EDGES = """
INSERT INTO correlator.edge (child, target, kind, position, value)
SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::int[], %b::text[])
ON CONFLICT (child, target, kind) DO UPDATE SET position = EXCLUDED.position, value = EXCLUDED.value
WHERE edge.removed_by IS NULL"""
