SET ROLE mailweave_resolver;

-- Since when it is forgotten what a rejection had looked at (monitor.itemRetentionDays); its reason stays.
ALTER TABLE resolver.decision ADD COLUMN forgotten timestamptz;

-- Rejections that still say what they had looked at, the oldest first.
CREATE INDEX decision_remembered ON resolver.decision (decided, delivery_id, version)
    WHERE outcome <> 'accepted' AND forgotten IS NULL;
RESET ROLE;
