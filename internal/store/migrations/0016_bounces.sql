-- What came back: reports of mail that did not arrive, complaints, mails that ask to
-- unsubscribe. Addresses are keyed hashes, as in suppressions.
CREATE TABLE bounces (
	id         {{id}},
	at         BIGINT NOT NULL,
	said       TEXT NOT NULL UNIQUE,      -- hash of the report: the same one counts once
	kind       TEXT NOT NULL,
	reason     TEXT NOT NULL,
	status     TEXT NOT NULL,
	code       INTEGER NOT NULL,
	words      TEXT NOT NULL,             -- without addresses
	reporter   TEXT NOT NULL,
	source     TEXT NOT NULL,
	hash       TEXT NOT NULL,             -- of whom it is about, empty: not known
	newsletter TEXT NOT NULL,
	issue      BIGINT NOT NULL,           -- 0: none, or not known
	outcome    TEXT NOT NULL
);
CREATE INDEX bounces_at ON bounces (at);
CREATE INDEX bounces_hash ON bounces (hash, at) WHERE hash <> '';
CREATE INDEX bounces_issue ON bounces (issue, kind) WHERE issue > 0;

-- Messages that were not understood, for the operator to look at.
CREATE TABLE bounce_messages (
	bounce  BIGINT {{key}},
	message {{blob}} NOT NULL
);
