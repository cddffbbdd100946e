-- Limits that all workers hold together.

-- Of each limited bucket ("relay:main", "group:gmail", "issue:12"), the next slot
-- that nobody has; see newsletter.Pace.
DROP TABLE buckets;
CREATE TABLE buckets (
	name    TEXT PRIMARY KEY,
	next_at BIGINT NOT NULL           -- microseconds, by the database's clock
);

-- Who holds how many of a limited number of connections ("relay:main",
-- "group:gmail"). Worker '' is the row to lock.
CREATE TABLE shares (
	name       TEXT NOT NULL,
	worker     TEXT NOT NULL,
	held       INTEGER NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (name, worker)
);

-- Recipient-domain groups whose receiver pushes back; see newsletter.Slowdown.
CREATE TABLE slowed (
	grp          TEXT PRIMARY KEY,
	level        INTEGER NOT NULL,
	rate         DOUBLE PRECISION NOT NULL, -- messages a second, before
	step         BIGINT NOT NULL,           -- milliseconds
	paused_until BIGINT NOT NULL,
	reason       TEXT NOT NULL
);

-- How many messages a relay that is being warmed up got on a day.
CREATE TABLE warm_ups (
	relay TEXT NOT NULL,
	day   TEXT NOT NULL,              -- 2006-01-02, of the site's zone
	taken INTEGER NOT NULL,
	PRIMARY KEY (relay, day)
);

-- Which receiver a domain's mail goes to, as the DNS said.
CREATE TABLE receivers (
	domain     TEXT PRIMARY KEY,      -- as subscribers.domain
	grp        TEXT NOT NULL,         -- empty: not known, the domain itself
	expires_at BIGINT NOT NULL
);
