SET ROLE mailweave_fetcher;

-- Since when the server has no such folder, which nothing asks for either; null: it is there.
ALTER TABLE fetcher.cursor ADD COLUMN gone timestamptz;
ALTER TABLE fetcher.known_folder ADD COLUMN gone timestamptz;
RESET ROLE;
