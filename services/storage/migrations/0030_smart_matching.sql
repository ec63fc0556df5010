SET ROLE mailweave_resolver;

-- What smart matching compares of each tracked mail: hashes of 64 bits, no text. Made under the parameters of the time.
CREATE TABLE resolver.smart_mail (
    message_key uuid PRIMARY KEY REFERENCES resolver.message,
    sent        timestamptz NOT NULL,
    words       bigint[] NOT NULL,
    addresses   bigint[] NOT NULL
);

-- By each word of a subject, the mails that have it by time: found from the newest back, as many as are wanted.
CREATE TABLE resolver.smart_word (
    word        bigint NOT NULL,
    sent        timestamptz NOT NULL,
    message_key uuid NOT NULL,
    PRIMARY KEY (word, sent, message_key)
);
RESET ROLE;
