SET ROLE mailweave_correlator;

-- What is older than the likeness index keeps a mail is of no more use to a rebuild: it is found by its age.
CREATE INDEX likeness_kept ON correlator.likeness (stored) WHERE kept <> '';
RESET ROLE;
