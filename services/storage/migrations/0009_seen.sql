SET ROLE mailweave_resolver;

-- What a decision had in sight when it read its targets, and the transaction that made it: so that a job does not decide
-- again what has seen the change already. NULL (decisions of older versions): it has seen nothing.
ALTER TABLE resolver.decision ADD COLUMN seen pg_snapshot, ADD COLUMN xact xid8;
ALTER TABLE resolver.decision ALTER COLUMN xact SET DEFAULT pg_current_xact_id();
-- The transaction of the change that made the job.
ALTER TABLE resolver.job ADD COLUMN xact xid8 NOT NULL DEFAULT pg_current_xact_id();

-- Whether a decision that read under this snapshot has seen what that transaction has committed. A snapshot ahead of the
-- server's own counter is of the cluster that a back-up was taken from; it proves nothing here.
CREATE FUNCTION resolver.saw(seen pg_snapshot, change xid8) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        pg_snapshot_xmax(seen) <= pg_snapshot_xmax(pg_current_snapshot()) AND pg_visible_in_snapshot(change, seen), false)
$$;
RESET ROLE;
