SET ROLE mailweave_correlator;

-- What is older than the likeness index keeps a mail is of no more use to a rebuild: it is found by its age.
CREATE INDEX likeness_kept ON correlator.likeness (stored) WHERE kept <> '';
RESET ROLE;

SET ROLE mailweave_resolver;

-- What a person has answered to a question about a message, whichever of its deliveries asked. The latest answer counts;
-- all are kept. A question that was dismissed is not asked again.
CREATE TABLE resolver.review_answer (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_key uuid NOT NULL,
    kind        text NOT NULL,            -- as in review
    target      uuid NOT NULL,            -- message_key
    answer      text NOT NULL CHECK (answer IN ('confirmed', 'dismissed')),
    author      text NOT NULL,
    reason      text NOT NULL,
    answered    timestamptz NOT NULL DEFAULT now(),
    command     uuid                      -- confirmed: the command by which the message was linked
);
CREATE INDEX review_answer_message ON resolver.review_answer (message_key, kind, target);
RESET ROLE;
