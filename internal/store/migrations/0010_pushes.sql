-- Subscriptions of this site to the feeds that it reads, at the hubs that those name.
CREATE TABLE pushes (
	source     TEXT PRIMARY KEY,
	hub        TEXT NOT NULL,
	topic      TEXT NOT NULL,
	token      TEXT NOT NULL UNIQUE,  -- at the end of the callback's address
	secret     TEXT NOT NULL,
	state      TEXT NOT NULL,         -- asking, active, denied
	failures   INTEGER NOT NULL DEFAULT 0,
	error      TEXT NOT NULL DEFAULT '',
	due_at     BIGINT NOT NULL,       -- when the hub is asked, again
	expires_at BIGINT NOT NULL DEFAULT 0,
	pushed_at  BIGINT NOT NULL DEFAULT 0
);
