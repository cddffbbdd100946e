-- Limits that all workers hold together.

-- Of each limited bucket ("relay:main", "group:gmail", "issue:12"), the next slot
-- that nobody has; see newsletter.Pace.
DROP TABLE buckets;
CREATE TABLE buckets (
	name    TEXT PRIMARY KEY,
	next_at BIGINT NOT NULL           -- microseconds, by the database's clock
);
