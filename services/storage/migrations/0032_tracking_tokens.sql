SET ROLE mailweave_resolver;

-- Whose number stands in tracking tokens: given once and for good. The count is of the mails that got a token.
CREATE TABLE resolver.token_counter (
    type   text NOT NULL,
    id     text NOT NULL,
    number integer NOT NULL UNIQUE,
    count  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (type, id)
);

-- Every token that was given out, in the form in which tokens are compared: any other matches nothing.
CREATE TABLE resolver.issued_token (
    token  text PRIMARY KEY,
    issued timestamptz NOT NULL DEFAULT now()   -- the last time: a counter begins again when its digits are used up
);

-- Whoever sends mail draws tokens for it.
GRANT USAGE ON SCHEMA resolver TO mailweave_sender;
GRANT SELECT, INSERT, UPDATE ON resolver.token_counter, resolver.issued_token TO mailweave_sender;
GRANT SELECT ON resolver.directory_record TO mailweave_sender;  -- whose counter a queue uses
RESET ROLE;
