-- One role and one schema per owner: only the owner writes, the reader (command line, verify) sees all.
-- Roles belong to the whole server, so they may exist already.
DO $$
DECLARE
    owner text;
BEGIN
    FOREACH owner IN ARRAY ARRAY['reader', 'settings', 'fetcher', 'correlator', 'resolver', 'alerter', 'sender', 'console'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mailweave_' || owner) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', 'mailweave_' || owner);
        END IF;
        EXECUTE format('GRANT %I TO CURRENT_USER', 'mailweave_' || owner);
        IF owner <> 'reader' THEN
            EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', owner, 'mailweave_' || owner);
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO mailweave_reader', owner);
            EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON TABLES TO mailweave_reader',
                           'mailweave_' || owner, owner);
        END IF;
    END LOOP;
END $$;
