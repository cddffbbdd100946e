-- Weekdays of the six days before, a bit each, whose occurrences did not take place: an issue
-- is for those who would have been served then, too.
ALTER TABLE issues ADD COLUMN missed SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE occurrences ADD COLUMN missed SMALLINT NOT NULL DEFAULT 0;
