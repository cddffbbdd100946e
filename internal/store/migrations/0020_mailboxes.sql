-- How the mailboxes stand that bounces arrive in ("maildir", "imap").
CREATE TABLE mailboxes (
	name       TEXT PRIMARY KEY,
	read_at    BIGINT NOT NULL DEFAULT 0,
	failing_at BIGINT NOT NULL DEFAULT 0,    -- since when it cannot be read
	failures   INTEGER NOT NULL DEFAULT 0,   -- since then
	error      TEXT NOT NULL DEFAULT ''
);
