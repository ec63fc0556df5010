SET ROLE mailweave_resolver;
-- What hangs off a record is asked of resolver.regarding.
DROP INDEX resolver.activity_regarding;
RESET ROLE;
