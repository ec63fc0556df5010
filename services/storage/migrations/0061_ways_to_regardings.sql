SET ROLE mailweave_resolver;
-- What an activity has ever hung off, and the last word about each record: asked of whatever was taken away.
CREATE INDEX regarding_activity ON resolver.regarding (activity_id, type, id, number);

-- The activity that a message had by itself: whoever names it means the one in which it has ended.
CREATE INDEX joined_activity ON resolver.joined (activity_id);
RESET ROLE;
