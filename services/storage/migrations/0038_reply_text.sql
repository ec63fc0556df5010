SET ROLE mailweave_resolver;

-- The new text of a reply, apart from quoted text and signature; NULL: no reply, or filed before they were split.
ALTER TABLE resolver.activity ADD COLUMN reply_text text;
RESET ROLE;
