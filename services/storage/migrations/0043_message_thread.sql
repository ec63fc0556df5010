SET ROLE mailweave_resolver;

-- As before, but the walk through the notices is called only for a thread that lost one: most never do, and the call
-- took two thirds of the time of reading a thread.
CREATE OR REPLACE VIEW resolver.message_thread AS
    SELECT m.message_key,
        CASE WHEN t.loser IS NULL THEN coalesce(v.thread, m.thread) ELSE resolver.root(t.loser) END AS thread
    FROM resolver.message m
    LEFT JOIN resolver.thread_move v ON v.message_key = m.message_key AND v.version > m.graph_version
    LEFT JOIN resolver.thread_merge t ON t.loser = coalesce(v.thread, m.thread);
RESET ROLE;
