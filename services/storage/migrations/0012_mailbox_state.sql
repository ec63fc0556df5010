SET ROLE mailweave_fetcher;

-- Where each direction of a mailbox stands (domain rule 1.8), and the result of its last test.
CREATE TABLE fetcher.mailbox_state (
    mailbox          text NOT NULL REFERENCES fetcher.mailbox,
    direction        text NOT NULL CHECK (direction IN ('incoming', 'outgoing')),
    phase            text NOT NULL CHECK (phase IN ('created', 'pending_approval', 'approved', 'test_scheduled', 'testing',
                                                    'enabled', 'backing_off', 'disabled', 'deactivated')),
    reason           text NOT NULL DEFAULT '',   -- code of the one alert that is open for it
    cause            text NOT NULL,              -- of the last transition
    since            timestamptz NOT NULL,
    attempts         integer NOT NULL DEFAULT 0, -- failed checks in a row; in 'disabled': failed probes
    settings_version bigint NOT NULL,            -- settings older than these decide nothing here
    test_result      text NOT NULL DEFAULT 'not_run' CHECK (test_result IN ('not_run', 'success', 'failure')),
    test_detail      text NOT NULL DEFAULT '',
    tested           timestamptz,
    PRIMARY KEY (mailbox, direction)
);

CREATE TABLE fetcher.mailbox_transition (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailbox          text NOT NULL,
    direction        text NOT NULL,
    from_phase       text NOT NULL,
    to_phase         text NOT NULL,
    reason           text NOT NULL,
    cause            text NOT NULL,
    time             timestamptz NOT NULL,
    settings_version bigint NOT NULL
);
CREATE INDEX mailbox_transition_of ON fetcher.mailbox_transition (mailbox, direction, time);

-- Mailboxes that are read already go on as they are; the alert that is open for one stays its reason.
INSERT INTO fetcher.mailbox_state (mailbox, direction, phase, reason, cause, since, attempts, settings_version)
SELECT mailbox, 'incoming',
       CASE WHEN last_check IS NULL THEN 'created' WHEN last_error_code IS NULL THEN 'enabled' ELSE 'backing_off' END,
       coalesce(last_error_code, ''), 'migration', coalesce(last_check, now()), error_count, 0
  FROM fetcher.mailbox;
RESET ROLE;
