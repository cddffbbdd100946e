-- On which day (since 1 January 1970) a subscription was served last: its cadence depends on it.
ALTER TABLE subscriptions ADD COLUMN served INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriptions ADD COLUMN rehearsal_served INTEGER NOT NULL DEFAULT 0;

-- Whose turn it is at an issue: its day, and the weekdays of its newsletter, a bit each.
ALTER TABLE issues ADD COLUMN day INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN week SMALLINT NOT NULL DEFAULT 0;
