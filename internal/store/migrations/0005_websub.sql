-- The documents that hubs tell of. A version is a change of the bytes.
CREATE TABLE topics (
	topic   TEXT PRIMARY KEY,         -- its address
	name    TEXT NOT NULL,            -- of the file, in the feeds' folder
	hash    TEXT NOT NULL,
	version BIGINT NOT NULL,
	due_at  BIGINT NOT NULL           -- when it is told of: changes close together are told as one
);

-- Up to which version other hubs were told.
CREATE TABLE pings (
	hub           TEXT NOT NULL,
	topic         TEXT NOT NULL,
	version       BIGINT NOT NULL,
	failures      INTEGER NOT NULL DEFAULT 0,
	failing_since BIGINT NOT NULL DEFAULT 0,
	due_at        BIGINT NOT NULL DEFAULT 0, -- not before; also the claim of whoever does it
	error         TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (hub, topic)
);

-- What subscribers asked of the hub of this site, and what they are to be told;
-- the last word of each.
CREATE TABLE hub_requests (
	id       {{id}},
	mode     TEXT NOT NULL,           -- subscribe, unsubscribe, denied
	topic    TEXT NOT NULL,
	callback TEXT NOT NULL,
	owner    TEXT NOT NULL,           -- of the callback, see websub.Owner
	client   TEXT NOT NULL,           -- keyed hash of the network that asked
	secret   TEXT NOT NULL,           -- as it came: documents are signed with it
	lease    BIGINT NOT NULL,         -- milliseconds
	failures INTEGER NOT NULL DEFAULT 0,
	due_at   BIGINT NOT NULL,
	UNIQUE (topic, callback)
);
CREATE INDEX hub_requests_due ON hub_requests (due_at);
CREATE INDEX hub_requests_owner ON hub_requests (owner);
CREATE INDEX hub_requests_client ON hub_requests (client);

-- Who is sent documents by the hub of this site.
CREATE TABLE hub_subscriptions (
	id            {{id}},
	topic         TEXT NOT NULL,
	callback      TEXT NOT NULL,
	owner         TEXT NOT NULL,
	client        TEXT NOT NULL,
	secret        TEXT NOT NULL,
	version       BIGINT NOT NULL,    -- that was delivered
	failures      INTEGER NOT NULL DEFAULT 0,
	failing_since BIGINT NOT NULL DEFAULT 0,
	due_at        BIGINT NOT NULL DEFAULT 0,
	error         TEXT NOT NULL DEFAULT '',
	expires_at    BIGINT NOT NULL,
	UNIQUE (topic, callback)
);
CREATE INDEX hub_subscriptions_due ON hub_subscriptions (topic, version, due_at);
CREATE INDEX hub_subscriptions_owner ON hub_subscriptions (owner);
CREATE INDEX hub_subscriptions_client ON hub_subscriptions (client);
CREATE INDEX hub_subscriptions_expiry ON hub_subscriptions (expires_at);
