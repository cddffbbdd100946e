-- Lists that were imported, by number; the subscriptions of each have the source
-- 'import 3', and so has the note of what it suppressed.
CREATE TABLE imports (
	id         {{id}},
	newsletter TEXT NOT NULL,
	file       TEXT NOT NULL,             -- its name, for people
	format     TEXT NOT NULL,
	hash       TEXT NOT NULL,             -- of the bytes: the same list goes on where it was left
	state      TEXT NOT NULL,             -- running, done, undoing, undone
	through    BIGINT NOT NULL,           -- the last line that was taken
	results    TEXT NOT NULL,             -- JSON: how many lines came to what
	started_at BIGINT NOT NULL,
	ended_at   BIGINT NOT NULL,
	undone_at  BIGINT NOT NULL,
	removed    INTEGER NOT NULL,          -- subscriptions, by undoing it
	lifted     INTEGER NOT NULL,          -- suppressions
	kept       TEXT NOT NULL              -- JSON: how many stayed, by reason
);
CREATE INDEX imports_hash ON imports (newsletter, hash);
