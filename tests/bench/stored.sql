-- The rows of stored mails from the first to the last number, in the shapes that the pipeline writes.
-- Threads of three, each mail answering the one before it; three parties a mail, of which the queue is known, a file
-- with every tenth.
INSERT INTO fetcher.delivery (id, source, mailbox, folder_id, folder, uidvalidity, uid, internal_date, blob_sha256, size)
SELECT pg_temp.key(n), 'imap', 'stored@bench.example', 'INBOX', 'INBOX', 1, n, now() - n * interval '1 second',
    sha256(n::text::bytea), 6000
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n;

INSERT INTO correlator.node (id, thread, seen, mid)
SELECT pg_temp.id(n), n - n %% 3, true, 'stored.' || n || '@bench.example'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n;

INSERT INTO correlator.message (message_key, id_key, thread, version, truncated)
SELECT pg_temp.key(n), pg_temp.id(n), n - n %% 3, n, false
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n;

INSERT INTO correlator.edge (child, target, kind, position)
SELECT pg_temp.key(n), pg_temp.id(n - 1), kind, 0
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n, unnest(ARRAY['in_reply_to', 'references']) kind
WHERE n %% 3 > 0;

INSERT INTO correlator.likeness (message_key, stored, kept)
SELECT pg_temp.key(n), now() - interval '1 day', sha512(n::text::bytea) || convert_to(repeat(md5(n::text), 9), 'UTF8')
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n;

INSERT INTO resolver.message (message_key, id_key, message_id, thread, graph_version)
SELECT pg_temp.key(n), pg_temp.id(n), 'stored.' || n || '@bench.example', n - n %% 3, n
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n;

INSERT INTO resolver.evidence (child, target, kind, cls, position, value)
SELECT pg_temp.key(n), pg_temp.id(n - 1), kind, 'H1', 0, 'stored.' || (n - 1) || '@bench.example'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n, unnest(ARRAY['in_reply_to', 'references']) kind
WHERE n %% 3 > 0;

INSERT INTO resolver.delivery (id, message_key, direction, source, mailbox, folder, folder_role, uidvalidity, uid,
    internal_date, blob_sha256)
SELECT pg_temp.key(n), pg_temp.key(n), 'incoming', 'imap', 'stored@bench.example', 'INBOX', 'inbox', 1, n,
    now() - n * interval '1 second', sha256(n::text::bytea)
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n;

INSERT INTO resolver.decision (delivery_id, version, current, outcome, activity_id, accepted_type, accepted_id,
    accepted_rank, method, correlated, evidence, settings_version, graph_version, code_version, cause, decided, seen)
SELECT pg_temp.key(n), 1, true, 'accepted', pg_temp.key(n), 'queue', 'stored', 0,
    CASE WHEN n %% 3 > 0 THEN 'InReplyTo' ELSE 'None' END, CASE WHEN n %% 3 > 0 THEN pg_temp.key(n - 1) END, '[]', 1, n,
    'bench', 'arrival', now() - interval '1 day', pg_current_snapshot()
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n;

INSERT INTO resolver.activity (id, message_key, direction, version, subject, sent_at, blob_sha256, body_text, method,
    correlated, parent, owner_type, owner_id, accepted_type, accepted_id, repairs, parse_outcome, settings_version,
    code_version)
SELECT pg_temp.key(n), pg_temp.key(n), 'incoming', 1, 'Stored mail ' || n, now() - n * interval '1 second',
    sha256(n::text::bytea), body.text, CASE WHEN n %% 3 > 0 THEN 'InReplyTo' ELSE 'None' END,
    CASE WHEN n %% 3 > 0 THEN pg_temp.key(n - 1) END, CASE WHEN n %% 3 > 0 THEN pg_temp.key(n - 1) END,
    'user', 'u', 'queue', 'stored', '{}', 'full', 1, 'bench'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n JOIN pg_temp.body ON body.number = n %% 1000;

INSERT INTO resolver.party (activity_id, role, position, address, name, records)
SELECT pg_temp.key(n), role, position, role || n %% 5000 || '@bench.example', 'Somebody',
    CASE role WHEN 'to' THEN '[{"type": "queue", "id": "stored"}]'::jsonb ELSE '[]' END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n, unnest(ARRAY['from', 'to', 'cc']) WITH ORDINALITY AS r (role, position);

INSERT INTO resolver.taking_part (type, id, sent_at, activity_id)
SELECT w.type, w.id, a.sent_at, a.id
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n JOIN resolver.activity a ON a.id = pg_temp.key(n)
    JOIN resolver.party p ON p.activity_id = a.id CROSS JOIN LATERAL resolver.who(p.address, p.records) w;

INSERT INTO resolver.attachment (activity_id, path, name, type, size, sha256, content_id, inline)
SELECT pg_temp.key(n), '2', 'file.pdf', 'application/pdf', 300000, sha256(n::text::bytea), '', false
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
WHERE n %% 10 = 0
