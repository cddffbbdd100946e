-- An import ends subscriptions of people who left by the list, if that is wanted.
ALTER TABLE imports ADD COLUMN leaving SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN restored INTEGER NOT NULL DEFAULT 0; -- subscriptions, by undoing it
