SET ROLE mailweave_resolver;
-- Whose record would change what became of a message: keyed hashes of the addresses that nobody is behind, and of all
-- addresses of a rejected one. A row too many costs one decision that writes nothing.
CREATE TABLE resolver.awaited_address (
    address     uuid NOT NULL,            -- keyed hash
    message_key uuid NOT NULL,
    PRIMARY KEY (address, message_key)
);
-- Addresses that a record has gained, until the messages that wait for them have their jobs.
CREATE TABLE resolver.gained_address (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address text NOT NULL                 -- normalised
);
-- Messages of before are decided once more, which notes what they wait for.
INSERT INTO resolver.job (targets, messages, cause)
SELECT '{}', array_agg(message_key ORDER BY n), 'directory'
FROM (SELECT message_key, row_number() OVER (ORDER BY message_key) - 1 AS n FROM resolver.message) AS every
GROUP BY n / 200;
RESET ROLE;
