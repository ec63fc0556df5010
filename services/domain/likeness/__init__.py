"""
Which conversation a mail belongs to when no header says so: our own likeness engine.

Only earlier mails count, and it may abstain. What is kept of a mail is hashes (:mod:`.entries`), found by keys
(:mod:`.keys`); what speaks for a candidate is a set of marks (:mod:`.marks`), and the first rule of the table
(:mod:`.rules`) whose marks are all there gives the confidence (:mod:`.judging`).
"""
