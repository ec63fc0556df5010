SET ROLE mailweave_correlator;

-- What evidence says that points at no id; an id lies with its node. NULL once erased.
ALTER TABLE correlator.edge ADD COLUMN value text;
RESET ROLE;
