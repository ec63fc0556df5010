SET ROLE mailweave_correlator;

-- The smart-match keys: what the likeness index in Redis is rebuilt from, and what was found for each message, which a
-- redelivery gets again. Hashes only; one row per message identity.
CREATE TABLE correlator.likeness (
    message_key uuid PRIMARY KEY,         -- keyed hash of the identity
    number      bigint GENERATED ALWAYS AS IDENTITY UNIQUE,  -- the order of storing, newest last
    stored      timestamptz NOT NULL DEFAULT now(),
    kept        bytea NOT NULL,           -- packed: services/domain/likeness/packing.py
    target      uuid,                     -- id_key of the message that was found, if any
    value       text NOT NULL DEFAULT ''  -- its rule and confidence
);
RESET ROLE;
