SET ROLE mailweave_fetcher;

-- A message that came in another mail, to a forward mailbox: blob_sha256 is the message, this the mail around it.
ALTER TABLE fetcher.delivery ADD COLUMN wrapper_sha256 bytea;
CREATE INDEX delivery_wrapper ON fetcher.delivery (wrapper_sha256) WHERE wrapper_sha256 IS NOT NULL;
RESET ROLE;
SET ROLE mailweave_resolver;

ALTER TABLE resolver.delivery
    ADD COLUMN wrapper_sha256   bytea,
    ADD COLUMN wrapper_messages integer;          -- found in that mail; 0: not forwarded as an attachment; NULL: no forward mailbox
ALTER TABLE resolver.decision ADD COLUMN receiving text;  -- the mailbox it was forwarded for; NULL: the delivery's own
RESET ROLE;
