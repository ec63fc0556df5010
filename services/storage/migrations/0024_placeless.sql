SET ROLE mailweave_fetcher;

-- Deliveries whose place was taken back when their folder was numbered anew; the others are found by delivery_place.
CREATE INDEX delivery_placeless ON fetcher.delivery (mailbox, folder_id) WHERE uid IS NULL AND source = 'imap';
RESET ROLE;
