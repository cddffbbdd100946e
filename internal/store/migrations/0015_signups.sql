-- What came in by forms, until it is dealt with: so that an answer costs the same
-- whatever is known of an address.
CREATE TABLE signups (
	id         {{id}},
	newsletter TEXT NOT NULL,
	email      TEXT NOT NULL,
	asked      TEXT NOT NULL              -- JSON: newsletter.SignUp
);

-- How many came from a network within the last day, and at all; by keyed hash.
CREATE TABLE signup_counts (
	network TEXT NOT NULL,                -- empty: all
	hour    BIGINT NOT NULL,              -- since 1970
	count   INTEGER NOT NULL,
	PRIMARY KEY (network, hour)
){{compact}};
CREATE INDEX signup_counts_hour ON signup_counts (hour);

-- Pending ones, to be forgotten when nobody confirms them.
CREATE INDEX subscriptions_pending ON subscriptions (updated_at) WHERE state = 'pending';

-- Why people left, without them.
CREATE TABLE reasons (
	id         {{id}},
	newsletter TEXT NOT NULL,
	reason     TEXT NOT NULL,
	words      TEXT NOT NULL,             -- of their own, empty: none
	at         BIGINT NOT NULL
);
CREATE INDEX reasons_newsletter ON reasons (newsletter, reason);

-- 1: its owner was heard as to why, once is enough.
ALTER TABLE subscriptions ADD COLUMN heard SMALLINT NOT NULL DEFAULT 0;
